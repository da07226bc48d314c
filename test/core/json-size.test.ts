import { traceToolCall } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

/** What is recorded of the size of a tool's arguments. */
function measured(value: unknown): { bytes?: unknown; keys?: unknown } {
  traceToolCall({ tool: "measure" }, (span) => span.recordArguments(() => value));
  const attributes = recording.spans().at(-1)?.attributes ?? {};
  return {
    bytes: attributes["waybill.tool.input_bytes"],
    keys: attributes["waybill.tool.input_keys"],
  };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

describe("the size of a tool's arguments", () => {
  it("is that of its JSON in UTF-8, whatever data it is", () => {
    const text = fc.string({ unit: "binary" });
    const data = fc.oneof(
      fc.jsonValue({ stringUnit: "binary" }),
      fc.array(text),
      fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(undefined), fc.boolean())),
    );

    fc.assert(
      fc.property(
        data.filter((value) => typeof value !== "string"),
        (value) => {
          expect(measured(value).bytes).toBe(jsonBytes(value));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("is, for a text, that of the text itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(measured(text)).toEqual({ bytes: Buffer.byteLength(text), keys: undefined });
      }),
    );
  });

  it.each([
    ["quotes and backslashes", { text: '"\\' }],
    ["control characters", { text: "\u0000\b\t\n\u000b\f\r\u001f\u007f" }],
    ["halves of surrogate pairs", { text: "\ud800 \udc00 \udfff 😀" }],
    [
      "characters at the edges of their lengths",
      ["\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff", "𐀀"],
    ],
    ["keys that need escapes", { 'a"b': 1, "\n": 2, ü: 3 }],
    ["numbers that JSON does not know", [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e21, 1e-7]],
    ["what is left out of objects", { a: undefined, b: () => {}, c: Symbol("c"), d: 1 }],
    ["what is null in arrays", [undefined, () => {}, Symbol("c"), null]],
    ["holes", Array.from({ length: 3 }).fill(1, 1, 2)],
    ["nothing", [{}, [], [[]], { a: {} }]],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
  ])("counts %s as JSON does", (_title, value) => {
    expect(measured(value).bytes).toBe(jsonBytes(value));
  });

  it("is that of the bytes, for binary data", () => {
    expect(measured(new Uint8Array(1000))).toEqual({ bytes: 1000, keys: undefined });
    expect(measured({ file: new Float64Array(8) }).bytes).toBe('{"file":}'.length + 64);
  });

  it("counts a big integer by its digits", () => {
    expect(measured([12_345_678_901_234_567_890n]).bytes).toBe(22);
  });

  it("does not call getters, nor `toJSON`", () => {
    const called: string[] = [];
    const list = [1];
    Object.defineProperty(list, 0, { enumerable: true, get: () => called.push("an element") });
    const value = {
      a: 1,
      get costly() {
        called.push("a getter");
        return 1;
      },
      toJSON() {
        called.push("toJSON");
        return {};
      },
      list,
    };

    const { bytes, keys } = measured(value);

    expect(called).toEqual([]);
    expect(bytes).toBe(jsonBytes({ a: 1, list: [null] }));
    expect(keys).toEqual(["a", "costly", "toJSON", "list"]);
  });

  it("is measured up to the limits, and not known beyond them", () => {
    const nodes = (count: number) => ({ list: Array.from({ length: count - 2 }, () => 1) });
    const depth = (count: number) => JSON.parse(`${'{"a":'.repeat(count)}1${"}".repeat(count)}`);
    const arrayDepth = (count: number) => JSON.parse(`${"[".repeat(count)}1${"]".repeat(count)}`);
    const characters = (count: number) => ["x".repeat(count - 1), "x"];
    const limits = [
      [nodes, 10_000],
      [depth, 64],
      [arrayDepth, 64],
      [characters, 4_194_304],
    ] as const;

    for (const [make, most] of limits) {
      const value = make(most) as object;
      expect(measured(value).bytes).toBe(jsonBytes(value));
      expect(measured(make(most + 1))).toEqual({ bytes: undefined, keys: undefined });
    }
    expect(measured("x".repeat(4_194_304)).bytes).toBe(4_194_304);
    expect(measured("x".repeat(4_194_305)).bytes).toBeUndefined();
  });

  it("is not known of what holds itself", () => {
    const object: Record<string, unknown> = {};
    object.self = object;
    const array: unknown[] = [];
    array.push([array]);

    expect(measured(object)).toEqual({ bytes: undefined, keys: undefined });
    expect(measured(array)).toEqual({ bytes: undefined, keys: undefined });
  });

  it("is not needed to record them as content", () => {
    const circular: Record<string, unknown> = { id: "A-1" };
    circular.self = circular;

    traceToolCall({ tool: "measure", arguments: circular, captureContent: true }, () => {});

    expect(recording.spans()[0]?.attributes).toMatchObject({
      "gen_ai.tool.call.arguments": '{"id":"A-1","self":"[circular]"}',
    });
  });

  it("counts a value as often as it stands there", () => {
    const shared = { text: "twice" };

    expect(measured([shared, shared]).bytes).toBe(jsonBytes([shared, shared]));
  });

  it("changes nothing for the tool when it cannot be measured", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();

    const result = traceToolCall({ tool: "measure", arguments: proxy }, () => "measured");

    expect(result).toBe("measured");
    expect(recording.open()).toBe(0);
  });

  it("names the arguments, at most 32 of them, at most 64 characters of each", () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, 1]));

    expect(measured({ id: 1, limit: undefined }).keys).toEqual(["id", "limit"]);
    expect(measured(many).keys).toEqual(Object.keys(many).slice(0, 32));
    expect(measured({ ["k".repeat(100)]: 1 }).keys).toEqual(["k".repeat(64)]);
    expect(measured([1, 2]).keys).toBeUndefined();
  });
});
