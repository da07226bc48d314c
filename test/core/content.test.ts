import { configureWaybill, traceLlmCall, traceToolCall, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS, recordedContent } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill(DEFAULT_SETTINGS);
  vi.unstubAllEnvs();
  await recording.stop();
});

/** The one state of the process, as `@waybill/core` keeps it. */
function processState(): { settings: object } {
  return (globalThis as never)[Symbol.for("waybill.core.1")];
}

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
    ["True", true],
    [" true ", true],
    ["EVENT_ONLY", false],
    ["event_only", false],
    ["NO_CONTENT", false],
    ["false", false],
    ["", false],
    ["yes", false],
  ])("follows OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=%s", (value, expected) => {
    processState().settings = {};
    vi.stubEnv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value);

    callTool({ id: "A-1" });

    expect(recorded("gen_ai.tool.call.arguments") !== undefined).toBe(expected);
  });

  it("passes every text by the `redact` function, keys and error messages included, with its place", () => {
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
    expect(seen).toEqual(expect.arrayContaining(["", "user", "user.name", "notes.0"]));
    const span = spanNamed(recording.spans(), "work");
    expect(span.status.message).toBe("the *** is out");
    expect(JSON.stringify(span.events)).not.toContain("secret");
  });

  it("records nothing of a text whose `redact` function throws or returns no string", () => {
    configureWaybill({
      captureContent: true,
      redact: (value) => {
        if (value === "first") throw new Error("no");
        return value === "second" ? (undefined as unknown as string) : value;
      },
    });

    callTool({ a: "first", b: "second", first: 1, second: 2 });

    expect(recorded("gen_ai.tool.call.arguments")).toBe(
      '{"a":"[redaction failed]","b":"[redaction failed]","[redaction failed]":1,"[redaction failed] (4)":2}',
    );
  });

  it("hands the `redact` function a path of its own", () => {
    const paths: (readonly (string | number)[])[] = [];
    configureWaybill({
      captureContent: true,
      redact(value, path) {
        paths.push(path);
        (path as unknown[]).push("changed");
        return value;
      },
    });

    recordedContent(recording, { list: ["text"] });
    expect(paths).toEqual([["changed"], ["list", 0, "changed"]]);
  });

  it.each([
    ["a long text", { text: "x ".repeat(1_000_000) }],
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
  it("keeps what is given as `undefined`", () => {
    configureWaybill({ captureContent: true, redact: () => "***" });

    const unchanged = { captureContent: undefined, redact: undefined, redactors: undefined };
    configureWaybill(unchanged as object);

    callTool({ id: "A-1" });
    expect(recording.spans()[0]?.attributes["gen_ai.tool.call.arguments"]).toBe('{"***":"***"}');
  });

  it.each([
    [{ captureContnet: true }, /unknown option `captureContnet`/],
    [{ captureContent: "yes" }, /`captureContent` must be a boolean or an object, got "yes"/],
    [{ captureContent: { prompts: true } }, /unknown option `prompts`/],
    [{ redact: "all" }, /`redact` must be a function/],
    [{ redactors: false }, /`redactors` must be an object, got false/],
    [{ redactors: { phone: true } }, /`redactors`: unknown option `phone`/],
    [{ redactors: { email: "yes" } }, /`redactors`: option `email` must be a boolean, got "yes"/],
    [{ history: true }, /`history` must be a string, got true/],
    [{ history: "all" }, /`history` must be "new" or "full", got "all"/],
    [{ maxAttributeBytes: -1 }, /`maxAttributeBytes` must be a non-negative integer, got -1/],
  ])("names the wrong setting in %j", (settings, message) => {
    expect(() => configureWaybill(settings as object)).toThrow(TypeError);
    expect(() => configureWaybill(settings as object)).toThrow(message);
  });
});
