import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { attempt, checkOptions, reportFailure } from "@waybill/core";
import { traceFromSpans } from "@waybill/trace";
import type { Trace } from "@waybill/trace";

import { contain } from "./contain.ts";
import { withoutTracing } from "./without-tracing.ts";

/**
 * Hears of a trace when all its spans of this process have ended. Tracing is suppressed in its context: neither it nor
 * what it awaits makes spans.
 */
export type TraceListener = (trace: Trace) => void;

/** The recorder's limits. */
export interface TraceRecorderOptions {
  /**
   * The most traces that are held while they run; less than 1 counts as 1. Beyond it the oldest is handed out as it is.
   *
   * @default 1000
   */
  readonly maxTraces?: number;

  /**
   * The most spans that are held of one trace; less than 1 counts as 1. Further ones are left out, and counted as the
   * trace's `droppedSpans`.
   *
   * @default 10000
   */
  readonly maxSpansPerTrace?: number;

  /**
   * How long a trace without open spans may still get new ones before it counts as over, in milliseconds.
   *
   * @default 20
   */
  readonly settleMs?: number;
}

interface RunningTrace {
  readonly spans: ReadableSpan[];
  readonly open: Set<string>;
  droppedSpans: number;
  settling: ReturnType<typeof setTimeout> | undefined;
}

/**
 * A span processor that puts the spans of this process together to traces, in memory, and hands each trace to its
 * listeners once none of its spans is open any more.
 *
 * A span that starts later than that makes a trace of its own, with the same id.
 */
export class TraceRecorder implements SpanProcessor {
  #listeners: readonly { readonly listener: TraceListener }[] = [];
  readonly #running = new Map<string, RunningTrace>();
  readonly #maxTraces: number;
  readonly #maxSpansPerTrace: number;
  readonly #settleMs: number;
  #isShutDown = false;

  /** @throws TypeError naming the option, if one is unknown or of the wrong type. */
  constructor(options: TraceRecorderOptions = {}) {
    checkOptions("TraceRecorder", options, {
      maxTraces: "non-negative integer",
      maxSpansPerTrace: "non-negative integer",
      settleMs: "non-negative integer",
    });
    const { maxTraces = 1000, maxSpansPerTrace = 10_000, settleMs = 20 } = options;
    this.#maxTraces = Math.max(1, maxTraces);
    this.#maxSpansPerTrace = Math.max(1, maxSpansPerTrace);
    this.#settleMs = settleMs;
  }

  /**
   * Calls `listener` with every trace that is handed out from now on. What it throws, or rejects with, goes to `diag`; a
   * promise is not waited for.
   *
   * @returns A function that stops it.
   */
  onTrace(listener: TraceListener): () => void {
    const entry = { listener };
    this.#listeners = [...this.#listeners, entry];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
    };
  }

  onStart(span: ReadableSpan): void {
    if (this.#isShutDown) return;
    const { traceId, spanId } = span.spanContext();
    const trace = this.#running.get(traceId) ?? this.#begin(traceId);
    if (trace.spans.length >= this.#maxSpansPerTrace) {
      trace.droppedSpans += 1;
      return;
    }
    clearTimeout(trace.settling);
    trace.open.add(spanId);
    trace.spans.push(span);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, spanId } = span.spanContext();
    const trace = this.#running.get(traceId);
    if (trace === undefined) return;
    trace.open.delete(spanId);
    if (trace.open.size > 0) return;
    clearTimeout(trace.settling);
    trace.settling = setTimeout(() => this.#finish(traceId), this.#settleMs);
    trace.settling.unref?.();
  }

  /** Hands out the traces that have no open span, without waiting for more. */
  async forceFlush(): Promise<void> {
    for (const [traceId, trace] of this.#running) {
      if (trace.open.size === 0) this.#finish(traceId);
    }
  }

  /** Hands out all traces as they are. Spans that start later are not recorded. */
  async shutdown(): Promise<void> {
    this.#isShutDown = true;
    for (const traceId of this.#running.keys()) this.#finish(traceId);
  }

  #begin(traceId: string): RunningTrace {
    const [oldest] = this.#running.keys();
    if (oldest !== undefined && this.#running.size >= this.#maxTraces) {
      reportFailure(
        `more than ${this.#maxTraces} traces are running; the oldest is shown as it is`,
      );
      this.#finish(oldest);
    }
    const trace: RunningTrace = {
      spans: [],
      open: new Set(),
      droppedSpans: 0,
      settling: undefined,
    };
    this.#running.set(traceId, trace);
    return trace;
  }

  #finish(traceId: string): void {
    const running = this.#running.get(traceId);
    if (running === undefined) return;
    clearTimeout(running.settling);
    this.#running.delete(traceId);
    if (running.droppedSpans > 0) {
      reportFailure(
        `a trace has more than ${this.#maxSpansPerTrace} spans; the others are not shown`,
      );
    }

    const { spans, droppedSpans } = running;
    const trace = attempt("a trace could not be put together", () =>
      traceFromSpans(spans, { droppedSpans }),
    );
    if (trace === undefined) return;
    for (const entry of this.#listeners) {
      if (!this.#listeners.includes(entry)) continue;
      void contain("an `onTrace` listener failed", () =>
        withoutTracing(() => entry.listener(trace)),
      );
    }
  }
}
