import { createHash } from "node:crypto";

import { configureWaybill, mediaPart } from "@waybill/core";
import type { MediaSource } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS, recordedContent } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  vi.restoreAllMocks();
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

const BYTES = createHash("sha512").update("an image").digest();
const BASE64 = BYTES.toString("base64");
const SHA256 = sha256(BYTES);

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

describe("mediaPart", () => {
  const inline = { type: "media", modality: "image", mime_type: "image/png" };
  const told = { ...inline, bytes: 64, sha256: SHA256 };
  it.each<[string, MediaSource, object]>([
    ["bytes", { data: BYTES, mediaType: "image/png" }, told],
    ["an ArrayBuffer", { data: Uint8Array.from(BYTES).buffer, mediaType: "image/png" }, told],
    ["base64", { data: BASE64, mediaType: "image/png" }, told],
    ["base64 for URLs", { data: BYTES.toString("base64url"), mediaType: "image/png" }, told],
    ["a data URL", { url: `data:image/png;base64,${BASE64}` }, told],
    ["a data URL as data", { data: `data:image/png;name=a.png;base64,${BASE64}` }, told],
    ["a URL object with data", { url: new URL(`data:image/png;base64,${BASE64}`) }, told],
    [
      "a data URL in percent-encoding",
      { url: "data:image/svg+xml,%3Csvg%3E%C3%BC%3C/svg%3E" },
      { ...inline, mime_type: "image/svg+xml", bytes: 13, sha256: sha256("<svg>ü</svg>") },
    ],
    [
      "a data URL in broken encoding",
      { url: "data:,100%" },
      { type: "media", modality: "document", bytes: 4, sha256: sha256("100%") },
    ],
    [
      "a Blob, whose bytes cannot be had at once",
      { data: new Blob([BYTES], { type: "image/png" }) },
      { ...inline, bytes: 64 },
    ],
    [
      "a URL, without what may open it to anyone",
      { url: "https://ada:pw@cdn.example.com/a.png?signature=abc#page" },
      { type: "uri", modality: "document", uri: "https://cdn.example.com/a.png" },
    ],
    [
      "a URL object as data",
      { data: new URL("gs://bucket/a.wav"), mediaType: "audio/wav" },
      { type: "uri", modality: "audio", mime_type: "audio/wav", uri: "gs://bucket/a.wav" },
    ],
    [
      "a file at the provider",
      { fileId: "file-1", kind: "input_image" },
      { type: "file", modality: "image", file_id: "file-1" },
    ],
    [
      "a part's name that says the modality",
      { data: BASE64, kind: "input_audio" },
      { type: "media", modality: "audio", bytes: 64, sha256: SHA256 },
    ],
    ["a thing it does not know", { data: 1 }, { type: "media", modality: "document" }],
    ["nothing", {}, { type: "media", modality: "document" }],
  ])("tells of %s", (_title, source, part) => {
    expect(mediaPart(source)).toEqual(part);
  });

  it("computes the hash once per object", () => {
    const getBuiltinModule = vi.spyOn(process, "getBuiltinModule");
    const data = Buffer.from("once");
    const parts = [mediaPart({ data }), mediaPart({ data })];

    expect(parts[0]).toEqual(parts[1]);
    expect(getBuiltinModule).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => unknown]>([
    ["has no such module", () => undefined],
    [
      "cannot hash",
      () => ({
        createHash() {
          throw new Error("no SHA-256");
        },
      }),
    ],
  ])("leaves the hash out where the runtime %s", (_title, module) => {
    vi.spyOn(process, "getBuiltinModule").mockImplementation(module as () => never);

    expect(mediaPart({ data: Buffer.from("no hash") })).toEqual({
      type: "media",
      modality: "document",
      bytes: 7,
    });
  });

  it("leaves the hash out above 32 MiB", () => {
    const limit = 32 * 1024 * 1024;

    expect(mediaPart({ data: new Uint8Array(limit) })).toHaveProperty("sha256", expect.any(String));
    expect(mediaPart({ data: new Uint8Array(limit + 1) })).toHaveProperty("sha256", undefined);
  });

  it("tells the same of the same bytes, whatever form they come in", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (data) => {
        const base64 = Buffer.from(data).toString("base64");
        const mediaType = "application/pdf";
        const part = mediaPart({ data, mediaType });

        expect(part).toMatchObject({ bytes: data.length, sha256: sha256(data) });
        expect(mediaPart({ data: base64, mediaType })).toEqual(part);
        expect(mediaPart({ url: `data:application/pdf;base64,${base64}` })).toEqual(part);
      }),
    );
  });
});

describe("media inside any recorded text", () => {
  const image = Buffer.concat(Array.from({ length: 20 }, () => BYTES));
  const base64 = image.toString("base64");
  const hash = sha256(image);

  it.each([
    ["a data URL", `data:image/png;base64,${BASE64}`, `[image/png, 64 bytes, sha256 ${SHA256}]`],
    [
      "a data URL in a document",
      `![a](data:image/png;charset=utf-8;base64,${BASE64}) and more`,
      `![a]([image/png, 64 bytes, sha256 ${SHA256}]) and more`,
    ],
    ["a data URL without a type", "data:;base64,aGk=", `[base64, 2 bytes, sha256 ${sha256("hi")}]`],
    ["base64", base64, `[base64, 1280 bytes, sha256 ${hash}]`],
    ["base64 in JSON", `{"data":"${base64}"}`, `{"data":"[base64, 1280 bytes, sha256 ${hash}]"}`],
    [
      "base64 for URLs, twice",
      `${image.toString("base64url")} ${image.toString("base64url")}`,
      `[base64, 1280 bytes, sha256 ${hash}] [base64, 1280 bytes, sha256 ${hash}]`,
    ],
  ])("is told by its type, size and hash: %s", (_title, text, expected) => {
    expect(recordedContent(recording, text)).toBe(expected);
    expect(JSON.parse(recordedContent(recording, { nested: [text] }))).toEqual({
      nested: [expected],
    });
  });

  it("is told whole, however much longer than the budget it is", () => {
    const large = Buffer.concat(Array.from({ length: 1000 }, () => image));
    configureWaybill({ maxAttributeBytes: 200 });

    const text = `before ${large.toString("base64")} after`;
    expect(recordedContent(recording, text)).toBe(
      `before [base64, 1280000 bytes, sha256 ${sha256(large)}] after`,
    );
  });

  it("is left out as a whole where the text is cut in it", () => {
    configureWaybill({ maxAttributeBytes: 100 });
    for (let before = 0; before < 1500; before += 50) {
      const text = `${"a ".repeat(before)}${base64}`;

      expect(recordedContent(recording, text)).not.toContain(base64.slice(0, 20));
    }
  });

  it.each([
    ["a long word", "x".repeat(2000)],
    ["a long number", "0123456789".repeat(200)],
    ["a long hexadecimal number", "0123456789abcdef".repeat(128)],
    ["base64 of less than 1024 characters", base64.slice(0, 1023)],
  ])("is not seen in %s", (_title, text) => {
    configureWaybill({ redactors: { card: false } });
    expect(recordedContent(recording, text)).toBe(text);
  });
});
