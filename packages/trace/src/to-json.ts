import type { Attributes, AttributeValue, SpanKind, SpanStatus } from "./span.ts";
import type { Trace, TraceIdentity, UsageTotals } from "./trace.ts";

/** A value that `JSON.stringify` keeps as it is. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Attributes as JSON. */
export interface JsonAttributes {
  readonly [name: string]: JsonValue;
}

/** A span as {@link toJson} writes it. */
export interface JsonSpan {
  readonly spanId: string;

  /** Absent at a root. */
  readonly parentSpanId?: string;
  readonly parentIsRemote: boolean;
  readonly name: string;
  readonly kind: SpanKind;

  /** Nanoseconds since the Unix epoch, as a decimal string. */
  readonly startNs: string;

  /** Nanoseconds since the Unix epoch, as a decimal string; absent while the span runs. */
  readonly endNs?: string;
  readonly status: SpanStatus;
  readonly attributes: JsonAttributes;
  readonly events: readonly {
    readonly name: string;
    readonly timeNs: string;
    readonly attributes: JsonAttributes;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: JsonAttributes;
  }[];
  readonly resource: JsonAttributes;
  readonly scope: { readonly name: string; readonly version?: string };
}

/** A trace in Waybill's own format, version 1. */
export interface JsonTrace {
  readonly format: "waybill.trace";
  readonly version: 1;
  readonly traceId: string;
  readonly startNs: string;
  readonly durationNs: string;
  readonly complete: boolean;
  readonly serviceNames: readonly string[];
  readonly identity: TraceIdentity;
  readonly usage: UsageTotals;
  readonly errorCount: number;
  readonly spans: readonly JsonSpan[];
}

/**
 * A trace in Waybill's own format, ready for `JSON.stringify`. Times are decimal strings, because nanoseconds do not
 * fit into a JSON number; bytes are base64 strings; numbers that JSON lacks (`NaN`) are strings.
 */
export function toJson(trace: Trace): JsonTrace {
  const { traceId, complete, serviceNames, identity, usage, errorCount } = trace;
  return {
    format: "waybill.trace",
    version: 1,
    traceId,
    startNs: String(trace.startNs),
    durationNs: String(trace.durationNs),
    complete,
    serviceNames,
    identity,
    usage,
    errorCount,
    spans: trace.spans.map((span) => ({
      spanId: span.spanId,
      ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
      parentIsRemote: span.parentIsRemote,
      name: span.name,
      kind: span.kind,
      startNs: String(span.startNs),
      ...(span.endNs !== undefined && { endNs: String(span.endNs) }),
      status: span.status,
      attributes: jsonAttributes(span.attributes),
      events: span.events.map(({ name, timeNs, attributes }) => ({
        name,
        timeNs: String(timeNs),
        attributes: jsonAttributes(attributes),
      })),
      links: span.links.map((link) => ({
        traceId: link.traceId,
        spanId: link.spanId,
        attributes: jsonAttributes(link.attributes),
      })),
      resource: jsonAttributes(span.resource),
      scope: span.scope,
    })),
  };
}

/** An attribute's value as JSON: bytes become base64, numbers that JSON lacks their names. */
export function jsonValue(value: AttributeValue): JsonValue {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object") return value;
  if (value instanceof Uint8Array) return base64(value);
  if (isList(value)) return value.map(jsonValue);
  return jsonAttributes(value);
}

/** Bytes in base64. */
export function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function isList(value: object): value is readonly AttributeValue[] {
  return Array.isArray(value);
}

function jsonAttributes(attributes: Attributes): JsonAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, jsonValue(value)]),
  );
}
