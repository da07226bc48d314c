import { context, logs, trace } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { traceLlmCall, traceToolCall, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";
import { describeServices } from "./traced-service.ts";

const VARIABLE = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";

interface LogRecord {
  readonly eventName?: string;
  readonly severityNumber?: number;
  readonly severityText?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly context?: Context;
}

/** Takes log records as OpenTelemetry's SDK would. */
function takeLogs({ enabled = true } = {}): readonly LogRecord[] {
  const records: LogRecord[] = [];
  logs.setGlobalLoggerProvider({
    getLogger: () => ({
      emit: (record: object) => void records.push(record),
      enabled: () => enabled,
    }),
  });
  return records;
}

afterEach(() => {
  delete process.env[VARIABLE];
  logs.disable();
});

describeServices("an exception that reached a request", (service) => {
  it.each([
    [undefined, 0, 1],
    ["logs", 1, 0],
    ["logs/dup", 1, 1],
    ["spans", 0, 1],
  ])("with the variable set to %s is in %i logs and %i events", async (signal, logged, events) => {
    if (signal !== undefined) process.env[VARIABLE] = signal;
    const records = takeLogs();
    await service.get("/fail");

    const span = service.serverSpan();
    expect(span.events).toHaveLength(service.tells ? events : 0);
    expect(records).toHaveLength(service.tells ? logged : 0);
    expect(span.attributes["error.type"]).toBe(service.tells ? "Error" : "500");
    for (const record of records) {
      expect(record).toMatchObject({
        eventName: "http.server.request.exception",
        severityNumber: 17,
        severityText: "ERROR",
        attributes: {
          "exception.type": "Error",
          "exception.message": "out of stock",
          "exception.stacktrace": expect.stringContaining("out of stock"),
        },
      });
      expect(trace.getSpanContext(record.context ?? context.active())?.spanId).toBe(
        span.spanContext().spanId,
      );
    }
  });
});

describe("an exception of an operation", () => {
  let recording: Recording;
  beforeEach(() => {
    recording = startRecording();
    process.env[VARIABLE] = "logs";
  });
  afterEach(() => recording.stop());

  const failure = new RangeError("mail ada@example.com");
  function fails(): never {
    throw failure;
  }

  it.each<[string, number, () => unknown]>([
    ["waybill.operation.exception", 13, () => withSpan("work", fails)],
    ["gen_ai.execute_tool.exception", 13, () => traceToolCall({ tool: "look_up" }, fails)],
    [
      "gen_ai.client.operation.exception",
      13,
      () => traceLlmCall({ provider: "acme", model: "gpt" }, fails),
    ],
  ])("is a log record named %s, once, redacted", (eventName, severityNumber, operation) => {
    const records = takeLogs();
    expect(() => withSpan("outer", operation)).toThrow(failure);

    expect(records).toMatchObject([
      { eventName, severityNumber, attributes: { "exception.message": "mail [email]" } },
    ]);
    expect(recording.spans().flatMap(({ events }) => events)).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ["nobody has registered a provider", () => {}],
    ["the provider takes none", () => takeLogs({ enabled: false })],
    [
      "the provider throws",
      () =>
        logs.setGlobalLoggerProvider({
          getLogger() {
            throw new Error("no logs");
          },
        }),
    ],
  ])("stays on the span where %s", (_title, provide) => {
    provide();
    expect(() => withSpan("work", fails)).toThrow(failure);

    expect(spanNamed(recording.spans(), "work").events.map(({ name }) => name)).toEqual([
      "exception",
    ]);
  });
});
