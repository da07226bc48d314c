import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { attempt, reportFailure } from "@waybill/core";
import { traceFromSpans } from "@waybill/trace";
import type { Trace } from "@waybill/trace";

/** Hears of a trace when all its spans of this process have ended. */
export type TraceListener = (trace: Trace) => void;

/** The recorder's limits. */
export interface TraceRecorderOptions {
  /**
   * The most traces that are held while they run. Beyond it the oldest is handed out as it is.
   *
   * @default 1000
   */
  readonly maxTraces?: number;

  /**
   * The most spans that are held of one trace. Further ones are left out and counted.
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
  readonly #listeners = new Set<TraceListener>();
  readonly #running = new Map<string, RunningTrace>();
  readonly #maxTraces: number;
  readonly #maxSpansPerTrace: number;
  readonly #settleMs: number;
  #isShutDown = false;

  constructor({
    maxTraces = 1000,
    maxSpansPerTrace = 10_000,
    settleMs = 20,
  }: TraceRecorderOptions = {}) {
    this.#maxTraces = maxTraces;
    this.#maxSpansPerTrace = maxSpansPerTrace;
    this.#settleMs = settleMs;
  }

  /**
   * Calls `listener` with every trace from now on. What it throws goes to `diag`.
   *
   * @returns A function that stops it.
   */
  onTrace(listener: TraceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onStart(span: ReadableSpan): void {
    if (this.#isShutDown) return;
    const { traceId, spanId } = span.spanContext();
    const trace = this.#running.get(traceId) ?? this.#begin(traceId);
    clearTimeout(trace.settling);
    if (trace.spans.length >= this.#maxSpansPerTrace) {
      trace.droppedSpans += 1;
      return;
    }
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

    const trace = attempt("a trace could not be put together", () => traceFromSpans(running.spans));
    if (trace === undefined) return;
    for (const listener of this.#listeners)
      attempt("an `onTrace` listener threw", () => listener(trace));
  }
}
