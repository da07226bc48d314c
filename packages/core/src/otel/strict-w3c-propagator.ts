import { createContextKey, propagation, trace } from "@opentelemetry/api";
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from "@opentelemetry/api";

import { formatBaggage, parseBaggage } from "./baggage-header.ts";
import { LazyTraceState } from "./lazy-trace-state.ts";
import { areHeadersWritten } from "./outgoing-request.ts";
import { isTracingSuppressed } from "./suppressed.ts";
import { formatTraceparent, parseTraceparent, RANDOM_FLAG } from "./traceparent.ts";

const TRACEPARENT = "traceparent";
const TRACESTATE = "tracestate";
const BAGGAGE = "baggage";

/** Holds the id of the trace whose caller said that the id is random. */
const RANDOM_TRACE_ID = createContextKey("waybill random trace id");

/**
 * Carries the trace and the baggage over process boundaries by W3C Trace Context (level 2) and W3C Baggage, to the
 * letter: in place of OpenTelemetry's two propagators, for OpenTelemetry API 1.9 and 1.10.
 *
 * A `traceparent` that is invalid, or that comes twice, is ignored together with its `tracestate`. A `tracestate` with
 * anything malformed in it, or with more than 32 members, is ignored as a whole. The random flag of the caller goes out
 * again with every span of its trace. Baggage has at most 64 members and 8192 bytes, both ways. Whatever comes in,
 * nothing invalid goes out, and nothing throws. Nothing goes out where tracing is suppressed.
 *
 * It sends baggage to everybody; see {@link guardBaggage}.
 *
 * @see https://www.w3.org/TR/trace-context-2/
 * @see https://www.w3.org/TR/baggage/
 *
 * @example
 * ```ts
 * import { propagation } from "@opentelemetry/api";
 * import { guardBaggage, StrictW3CPropagator } from "@waybill/core/otel";
 *
 * propagation.setGlobalPropagator(
 *   guardBaggage(new StrictW3CPropagator(), { allowHosts: ["*.internal.example"] }),
 * );
 * ```
 */
export class StrictW3CPropagator implements TextMapPropagator {
  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    if (isTracingSuppressed(context) || areHeadersWritten(context)) return;
    injectTrace(context, carrier, setter);
    injectBaggage(context, carrier, setter);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    return extractBaggage(extractTrace(context, carrier, getter), carrier, getter);
  }

  fields(): string[] {
    return [TRACEPARENT, TRACESTATE, BAGGAGE];
  }
}

function injectTrace(context: Context, carrier: unknown, setter: TextMapSetter): void {
  const span = trace.getSpanContext(context);
  if (span === undefined) return;
  const isRandom = context.getValue(RANDOM_TRACE_ID) === span.traceId;
  const traceparent = formatTraceparent(span, isRandom);
  if (traceparent === undefined) return;
  setter.set(carrier, TRACEPARENT, traceparent);

  const { traceState } = span;
  if (traceState === undefined) return;
  const strict =
    traceState instanceof LazyTraceState ? traceState : new LazyTraceState(traceState.serialize());
  const tracestate = strict.serialize();
  if (tracestate !== "") setter.set(carrier, TRACESTATE, tracestate);
}

function extractTrace(context: Context, carrier: unknown, getter: TextMapGetter): Context {
  const span = parseTraceparent(headerText(carrier, TRACEPARENT, getter));
  if (span === undefined) return context;

  const tracestate = headerText(carrier, TRACESTATE, getter);
  const extracted = trace.setSpanContext(
    context,
    tracestate === "" ? span : { ...span, traceState: new LazyTraceState(tracestate) },
  );
  const randomTraceId = (span.traceFlags & RANDOM_FLAG) === 0 ? undefined : span.traceId;
  return context.getValue(RANDOM_TRACE_ID) === randomTraceId
    ? extracted
    : extracted.setValue(RANDOM_TRACE_ID, randomTraceId);
}

function injectBaggage(context: Context, carrier: unknown, setter: TextMapSetter): void {
  const baggage = propagation.getBaggage(context);
  if (baggage === undefined) return;
  const header = formatBaggage(baggage);
  if (header !== "") setter.set(carrier, BAGGAGE, header);
}

function extractBaggage(context: Context, carrier: unknown, getter: TextMapGetter): Context {
  const header = headerText(carrier, BAGGAGE, getter);
  const baggage = header === "" ? undefined : parseBaggage(header);
  return baggage === undefined ? context : propagation.setBaggage(context, baggage);
}

/** A header, its lines joined by commas; empty if it is not there. */
function headerText(carrier: unknown, name: string, getter: TextMapGetter): string {
  const value: unknown = getter.get(carrier, name);
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.filter((line) => typeof line === "string").join(",") : "";
}
