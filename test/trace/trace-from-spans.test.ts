import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { traceFromSpans } from "@waybill/trace";
import { describe, expect, it } from "vitest";

import { EVERY_TYPE, recordedSpans, REMOTE_PARENT } from "./recorded-spans.ts";

describe("traceFromSpans", () => {
  it("takes over everything that the SDK recorded", () => {
    const spans = recordedSpans();
    const trace = traceFromSpans(spans);
    const [request, call, work] = trace.spans;

    expect(trace.traceId).toBe(REMOTE_PARENT.traceId);
    expect(trace.complete).toBe(true);
    expect(request).toStrictEqual({
      traceId: REMOTE_PARENT.traceId,
      spanId: spans[0]?.spanContext().spanId,
      parentSpanId: REMOTE_PARENT.spanId,
      parentIsRemote: true,
      name: "POST /chat",
      kind: "server",
      startNs: 1_795_359_600_209_712_345n,
      endNs: 1_795_359_602_000_000_000n,
      status: { code: "unset" },
      attributes: {},
      events: [],
      links: [],
      resource: { "service.name": "support-desk", "process.pid": 42, "host.names": ["a", "b"] },
      resourceSchemaUrl: "https://opentelemetry.io/schemas/1.37.0",
      scope: {
        name: "library",
        version: "1.2.3",
        schemaUrl: "https://opentelemetry.io/schemas/1.36.0",
      },
      traceFlags: 1,
      traceState: "vendor=1,other=2",
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    });
    expect(call).toMatchObject({
      parentSpanId: request?.spanId,
      kind: "client",
      status: { code: "error", message: "rate limited" },
      attributes: EVERY_TYPE,
      events: [
        {
          name: "first chunk",
          timeNs: 1_795_359_600_400_000_001n,
          attributes: { tokens: 1, text: "a" },
          droppedAttributes: 0,
        },
        { name: "bare", attributes: {} },
      ],
      links: [
        {
          traceId: REMOTE_PARENT.traceId,
          spanId: REMOTE_PARENT.spanId,
          isRemote: true,
          traceState: "vendor=1,other=2",
          attributes: { why: "remote" },
        },
        { spanId: "b".repeat(16), traceFlags: 0, attributes: {} },
        { spanId: request?.spanId, traceFlags: 1 },
      ],
      scope: { name: "bare" },
      droppedAttributes: 3,
      droppedEvents: 1,
      droppedLinks: 1,
    });
    expect(work).toMatchObject({ kind: "producer", status: { code: "ok" } });
    expect(work?.endNs).toBe(work?.startNs);
  });

  it("gives a span that still runs no end", () => {
    const span = new TracerProvider().getTracer("demo").startSpan("running");
    const trace = traceFromSpans([span as unknown as ReadableSpan]);

    expect(trace.spans[0]).not.toHaveProperty("endNs");
    expect(trace.complete).toBe(false);
  });

  it("does not change when the spans do", () => {
    const span = new TracerProvider().getTracer("demo").startSpan("running");
    const trace = traceFromSpans([span as unknown as ReadableSpan]);
    span.setAttribute("late", true).addEvent("late").end();

    expect(trace.spans[0]).toMatchObject({ attributes: {}, events: [] });
    expect(trace.spans[0]).not.toHaveProperty("endNs");
  });

  it("shares one resource among the spans of a process", () => {
    const [request, call] = traceFromSpans(recordedSpans()).spans;

    expect(call?.resource).toBe(request?.resource);
  });

  it("turns what is no attribute value into null, and leaves undefined out", () => {
    const circle: unknown[] = [];
    circle.push(circle, 1);
    const attributes = {
      missing: undefined,
      date: new Date(0),
      circle,
      run: () => {},
      object: { missing: undefined, id: 2n ** 64n, nan: Number.NaN },
    };
    const trace = traceFromSpans([readableSpan({ attributes })]);

    expect(trace.spans[0]?.attributes).toStrictEqual({
      date: null,
      circle: [null, 1],
      run: null,
      object: { id: 2n ** 64n, nan: Number.NaN },
    });
  });

  it("cannot be made to change what objects inherit", () => {
    const attributes: object = JSON.parse('{"__proto__": {"polluted": true}}');
    const [span] = traceFromSpans([readableSpan({ attributes })]).spans;

    expect(Object.keys(span?.attributes ?? {})).toEqual(["__proto__"]);
    expect(span?.attributes).not.toHaveProperty("polluted");
  });

  it("takes fractions of nanoseconds, and times that are none", () => {
    const trace = traceFromSpans([
      readableSpan({ startTime: [Number.NaN, Number.NaN], endTime: [1, 2.7] }),
    ]);

    expect(trace.spans[0]).toMatchObject({ startNs: 0n, endNs: 1_000_000_002n });
  });

  it("refuses spans of several traces, and no spans at all", () => {
    const tracer = new TracerProvider().getTracer("demo");
    const spans = [tracer.startSpan("a"), tracer.startSpan("b")] as unknown as ReadableSpan[];

    expect(() => traceFromSpans(spans)).toThrow(
      new TypeError(
        `the spans of a trace must have one trace id, got ${spans
          .map((span) => span.spanContext().traceId)
          .join(" and ")}`,
      ),
    );
    expect(() => traceFromSpans([])).toThrow(TypeError);
  });
});

/** A span of another SDK, or of nobody's. */
function readableSpan(given: object): ReadableSpan {
  const span: ReadableSpan = Object.create(recordedSpans()[0] ?? null);
  for (const [name, value] of Object.entries(given)) Object.defineProperty(span, name, { value });
  return span;
}
