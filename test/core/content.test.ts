import { configureWaybill, traceLlmCall, traceToolCall, withSpan } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";

const DEFAULTS = {
  captureContent: false,
  redact: (value: string) => value,
  maxAttributeBytes: 16_384,
};

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill(DEFAULTS);
  vi.unstubAllEnvs();
  await recording.stop();
});

function callTool(argument: unknown, captureContent?: boolean): void {
  traceToolCall({ tool: "look_up", captureContent }, (span) => {
    span.recordArguments(() => argument);
    span.recordResult(() => "found");
  });
}

function recorded(attribute: string): unknown {
  return spanNamed(recording.spans(), "execute_tool look_up").attributes[attribute];
}

describe("content", () => {
  it("is off by default, and then not even computed", () => {
    const read = vi.fn(() => [{ role: "user", parts: [] }]);
    traceLlmCall({ provider: "openai" }, (span) => {
      span.recordInput(() => ({ messages: read() }));
      span.recordOutput(read);
    });

    expect(read).not.toHaveBeenCalled();
    expect(Object.keys(spanNamed(recording.spans(), "chat").attributes)).toEqual([
      "gen_ai.operation.name",
      "gen_ai.provider.name",
    ]);
  });

  it("is recorded as JSON when the operation or the process asks for it", () => {
    callTool({ id: "A-1" }, true);
    configureWaybill({ captureContent: { toolResults: true } });
    callTool({ id: "A-2" });

    const [first, second] = recording.spans();
    expect(first?.attributes["gen_ai.tool.call.arguments"]).toBe('{"id":"A-1"}');
    expect(first?.attributes["gen_ai.tool.call.result"]).toBe('{"result":"found"}');
    expect(second?.attributes["gen_ai.tool.call.arguments"]).toBeUndefined();
    expect(second?.attributes["gen_ai.tool.call.result"]).toBe('{"result":"found"}');
  });

  it.each([
    ["true", true],
    ["SPAN_ONLY", true],
    ["span_and_event", true],
    ["EVENT_ONLY", false],
    ["NO_CONTENT", false],
    ["false", false],
  ])("follows OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=%s", (value, expected) => {
    configureWaybill({ captureContent: undefined as unknown as boolean });
    vi.stubEnv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value);

    callTool({ id: "A-1" });

    expect(recorded("gen_ai.tool.call.arguments") !== undefined).toBe(expected);
  });

  it("passes every text by the redactor, error messages included, with its place", () => {
    const seen: string[] = [];
    configureWaybill({
      captureContent: true,
      redact(value, path) {
        seen.push(path.join("."));
        return value.replaceAll("secret", "***");
      },
    });

    callTool({ user: { name: "secret agent" }, notes: ["a secret"] });
    expect(() =>
      withSpan("work", () => {
        throw new Error("the secret is out");
      }),
    ).toThrow("the secret is out");

    expect(recorded("gen_ai.tool.call.arguments")).toBe(
      '{"user":{"name":"*** agent"},"notes":["a ***"]}',
    );
    expect(seen.slice(0, 2)).toEqual(["user.name", "notes.0"]);
    const span = spanNamed(recording.spans(), "work");
    expect(span.status.message).toBe("the *** is out");
    expect(JSON.stringify(span.events)).not.toContain("secret");
  });

  it("records nothing of a text whose redactor throws or returns no string", () => {
    configureWaybill({
      captureContent: true,
      redact: (value) => {
        if (value === "a") throw new Error("no");
        return undefined as unknown as string;
      },
    });

    callTool({ a: "a", b: "b" });

    expect(recorded("gen_ai.tool.call.arguments")).toBe(
      '{"a":"[redaction failed]","b":"[redaction failed]"}',
    );
  });

  it("survives values that JSON does not know", () => {
    const circular: Record<string, unknown> = { name: "loop" };
    circular.self = circular;
    const value = {
      circular,
      big: 12n,
      bytes: new Uint8Array(300),
      map: new Map([["k", new Set([1])]]),
      date: new Date(0),
      invalid: new Date(Number.NaN),
      error: new RangeError("too far"),
      nothing: undefined,
      call: () => {},
      infinite: Number.POSITIVE_INFINITY,
      get trap() {
        throw new Error("a getter that throws");
      },
      json: {
        toJSON() {
          throw new Error("a toJSON that throws");
        },
      },
    };

    callTool(value, true);

    expect(JSON.parse(String(recorded("gen_ai.tool.call.arguments")))).toEqual({
      circular: { name: "loop", self: "[circular]" },
      big: "12",
      bytes: "[Uint8Array, 300 bytes]",
      map: [["k", [1]]],
      date: "1970-01-01T00:00:00.000Z",
      invalid: null,
      error: { name: "RangeError", message: "too far" },
      infinite: "Infinity",
      trap: "[unreadable]",
      json: "[unreadable]",
    });
  });

  it("stays valid JSON within the byte budget, whatever it is", () => {
    configureWaybill({ captureContent: true, maxAttributeBytes: 300 });

    fc.assert(
      fc.property(
        fc.object({
          withBigInt: true,
          withMap: true,
          withUnicodeString: true,
          maxDepth: 6,
        } as object),
        (value) => {
          callTool({ value });
          const text = String(recording.spans().at(-1)?.attributes["gen_ai.tool.call.arguments"]);
          JSON.parse(text);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(300);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["a long text", { text: "x".repeat(1_000_000) }],
    ["wide text", { text: "😀".repeat(100_000) }],
    ["text full of escapes", { text: '"\\\n'.repeat(100_000) }],
    [
      "a wide object",
      Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key${index}`, index])),
    ],
    ["a long array", { list: Array.from({ length: 100_000 }, () => "entry") }],
    ["long keys", { ["k".repeat(100_000)]: 1 }],
    ["depth", JSON.parse(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`)],
  ])("cuts %s inside its values and says so", (_title, value) => {
    callTool(value, true);

    const text = String(recorded("gen_ai.tool.call.arguments"));
    JSON.parse(text);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16_384);
    expect(text).toMatch(/truncated|more\]|depth limit/);
  });
});

describe("configureWaybill", () => {
  it.each([
    [{ captureContnet: true }, /unknown option `captureContnet`/],
    [{ captureContent: "yes" }, /`captureContent` must be a boolean or an object, got "yes"/],
    [{ captureContent: { prompts: true } }, /unknown option `prompts`/],
    [{ redact: "all" }, /`redact` must be a function/],
    [{ maxAttributeBytes: -1 }, /`maxAttributeBytes` must be a non-negative integer, got -1/],
  ])("names the wrong setting in %j", (settings, message) => {
    expect(() => configureWaybill(settings as object)).toThrow(TypeError);
    expect(() => configureWaybill(settings as object)).toThrow(message);
  });
});
