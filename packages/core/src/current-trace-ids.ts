import { isSpanContextValid, trace, TraceFlags } from "@opentelemetry/api";

/** Where in which trace a line of a log was written. */
export interface TraceIds {
  /** 32 hexadecimal digits. */
  readonly traceId: string;

  /** 16 hexadecimal digits. */
  readonly spanId: string;

  /** Whether the trace is recorded, as far as this process decides. */
  readonly sampled: boolean;
}

/**
 * The ids of the active span, to write them on log lines. `undefined` where no span is active.
 *
 * @example
 * ```ts
 * import { currentTraceIds, withSpan } from "@waybill/core";
 *
 * withSpan("check stock", () => console.log({ message: "three left", ...currentTraceIds() }));
 * ```
 */
export function currentTraceIds(): TraceIds | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return undefined;
  const { traceId, spanId, traceFlags } = context;
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
}
