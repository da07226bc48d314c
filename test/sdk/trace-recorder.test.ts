import { context, trace } from "@opentelemetry/api";
import type { Span, Tracer } from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { TraceRecorder } from "@waybill/sdk";
import type { TraceRecorderOptions } from "@waybill/sdk";
import { renderTimeline } from "@waybill/trace";
import type { Trace } from "@waybill/trace";
import { describe, expect, it, vi } from "vitest";

import { heardByDiag } from "./heard-by-diag.ts";

const heard = heardByDiag();

function record(options?: TraceRecorderOptions): {
  readonly recorder: TraceRecorder;
  readonly tracer: Tracer;
  readonly traces: Trace[];
} {
  const recorder = new TraceRecorder(options);
  const traces: Trace[] = [];
  recorder.onTrace((finished) => traces.push(finished));
  const tracer = new TracerProvider({ spanProcessors: [recorder] }).getTracer("test");
  return { recorder, tracer, traces };
}

function child(tracer: Tracer, name: string, parent: Span): Span {
  return tracer.startSpan(name, {}, trace.setSpan(context.active(), parent));
}

function outlines(traces: readonly Trace[]): string[] {
  return traces.map(({ spans }) => spans.map(({ name }) => name).join(" "));
}

describe("a trace", () => {
  it("is handed out 20 ms after its last open span has ended", async () => {
    const { tracer, traces } = record();
    const root = tracer.startSpan("root");
    child(tracer, "first", root).end();
    await vi.advanceTimersByTimeAsync(1000);
    root.end();
    await vi.advanceTimersByTimeAsync(19);
    const early = traces.length;
    await vi.advanceTimersByTimeAsync(1);

    expect(early).toBe(0);
    expect(outlines(traces)).toEqual(["root first"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes in what starts until then", async () => {
    const { tracer, traces } = record({ settleMs: 50 });
    const root = tracer.startSpan("root");
    root.end();
    await vi.advanceTimersByTimeAsync(49);
    const late = child(tracer, "late", root);
    await vi.advanceTimersByTimeAsync(1000);
    const early = traces.length;
    late.end();
    await vi.advanceTimersByTimeAsync(50);

    expect(early).toBe(0);
    expect(outlines(traces)).toEqual(["root late"]);
  });

  it("begins anew, with the same id, with a span that starts later than that", async () => {
    const { tracer, traces } = record();
    const root = tracer.startSpan("root");
    root.end();
    await vi.advanceTimersByTimeAsync(20);
    child(tracer, "late", root).end();
    await vi.advanceTimersByTimeAsync(20);

    expect(outlines(traces)).toEqual(["root", "late"]);
    expect(traces[1]?.traceId).toBe(traces[0]?.traceId);
    expect(traces[1]?.complete).toBe(false);
  });

  it("is cut at `maxSpansPerTrace`, and says how many spans were dropped", async () => {
    const { tracer, traces } = record({ maxSpansPerTrace: 3 });
    const root = tracer.startSpan("root");
    for (const name of ["a", "b", "c", "d"]) child(tracer, name, root).end();
    root.end();
    await vi.advanceTimersByTimeAsync(20);

    expect(outlines(traces)).toEqual(["root a b"]);
    expect(traces[0]).toMatchObject({ droppedSpans: 2, complete: false });
    expect(traces[0] && renderTimeline(traces[0])).toMatch(/\b3 spans\b[^]*\b2 dropped\b/);
    expect(heard()).toContain("a trace has more than 3 spans");
  });

  it("that is full is handed out although a span that was dropped never ends", async () => {
    const { tracer, traces } = record({ maxSpansPerTrace: 1 });
    const root = tracer.startSpan("root");
    root.end();
    child(tracer, "never ended", root);
    await vi.advanceTimersByTimeAsync(20);

    expect(traces.map(({ droppedSpans }) => droppedSpans)).toEqual([1]);
  });

  it("is handed out as it is if `maxTraces` newer ones are running", () => {
    const { tracer, traces } = record({ maxTraces: 2 });
    const oldest = tracer.startSpan("oldest");
    tracer.startSpan("second");
    tracer.startSpan("third");
    oldest.end();

    expect(outlines(traces)).toEqual(["oldest"]);
    expect(traces[0]?.complete).toBe(false);
    expect(heard()).toContain("more than 2 traces are running");
  });

  it("holds at least one span, and at least one trace is held", async () => {
    const { tracer, traces } = record({ maxTraces: 0, maxSpansPerTrace: 0, settleMs: 0 });
    tracer.startSpan("work").end();
    await vi.advanceTimersByTimeAsync(0);

    expect(outlines(traces)).toEqual(["work"]);
  });

  it("is handed out by `forceFlush` if no span of it is open, else by `shutdown`", async () => {
    const { recorder, tracer, traces } = record();
    tracer.startSpan("open");
    tracer.startSpan("over").end();
    await recorder.forceFlush();
    const flushed = outlines(traces);
    await recorder.shutdown();
    tracer.startSpan("later").end();
    await recorder.forceFlush();

    expect(flushed).toEqual(["over"]);
    expect(outlines(traces)).toEqual(["over", "open"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a listener", () => {
  it("that comes late hears of the traces that are handed out from then on", async () => {
    const { recorder, tracer, traces } = record();
    tracer.startSpan("first").end();
    await recorder.forceFlush();
    const running = tracer.startSpan("second");
    const late: Trace[] = [];
    recorder.onTrace((finished) => late.push(finished));
    running.end();
    await recorder.forceFlush();

    expect(outlines(traces)).toEqual(["first", "second"]);
    expect(outlines(late)).toEqual(["second"]);
  });

  it("that is stopped hears of nothing more, and stopping it again is nothing", async () => {
    const { recorder, tracer } = record();
    const heardNames: string[] = [];
    const stop = recorder.onTrace(({ spans }) => heardNames.push(spans[0]?.name ?? ""));
    tracer.startSpan("first").end();
    await recorder.forceFlush();
    stop();
    stop();
    tracer.startSpan("second").end();
    await recorder.forceFlush();

    expect(heardNames).toEqual(["first"]);
  });

  it("that was given twice is stopped once for each", async () => {
    const { recorder, tracer } = record();
    const listener = vi.fn<(finished: Trace) => void>();
    const stop = recorder.onTrace(listener);
    recorder.onTrace(listener);
    stop();
    tracer.startSpan("work").end();
    await recorder.forceFlush();

    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("may stop another, and add one that hears of the next trace", async () => {
    const { recorder, tracer } = record();
    const stopped = vi.fn<(finished: Trace) => void>();
    const added = vi.fn<(finished: Trace) => void>();
    recorder.onTrace(() => {
      stop();
      recorder.onTrace(added);
    });
    const stop = recorder.onTrace(stopped);
    tracer.startSpan("first").end();
    await recorder.forceFlush();
    const addedEarly = added.mock.calls.length;
    tracer.startSpan("second").end();
    await recorder.forceFlush();

    expect(stopped).not.toHaveBeenCalled();
    expect([addedEarly, added.mock.calls.length]).toEqual([0, 1]);
  });
});

it.each<[object, RegExp]>([
  [{ maxTraces: -1 }, /`maxTraces` must be a non-negative integer, got -1/],
  [{ maxSpansPerTrace: 1.5 }, /`maxSpansPerTrace` must be a non-negative integer/],
  [{ settle: 1 }, /unknown option `settle`/],
])("names the wrong option in %j", (options, message) => {
  expect(() => new TraceRecorder(options)).toThrow(TypeError);
  expect(() => new TraceRecorder(options)).toThrow(message);
});
