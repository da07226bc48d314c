import type { Attributes, AttributeValue, Span, SpanKind } from "./span.ts";
import { base64 } from "./to-json.ts";
import type { Trace } from "./trace.ts";

/** A value of OTLP. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: number }
  | { readonly doubleValue: number | string }
  | { readonly bytesValue: string }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } }
  | { readonly kvlistValue: { readonly values: readonly OtlpKeyValue[] } }
  | Record<string, never>;

/** An attribute of OTLP. */
export interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpValue;
}

/** A request body of OTLP/HTTP in JSON. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly OtlpKeyValue[];
      readonly droppedAttributesCount: number;
    };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/** A span of OTLP. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;

  /** `0` while the span runs. */
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpKeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly {
    readonly attributes: readonly OtlpKeyValue[];
    readonly name: string;
    readonly timeUnixNano: string;
    readonly droppedAttributesCount: number;
  }[];
  readonly droppedEventsCount: number;
  readonly status: { readonly code: number; readonly message?: string };
  readonly links: readonly {
    readonly attributes: readonly OtlpKeyValue[];
    readonly spanId: string;
    readonly traceId: string;
    readonly traceState?: string;
    readonly droppedAttributesCount: number;
    readonly flags: number;
  }[];
  readonly droppedLinksCount: number;
  readonly flags: number;
}

const KINDS: Readonly<Record<SpanKind, number>> = {
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
};
const STATUS_CODES = { unset: 0, ok: 1, error: 2 } as const;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/**
 * A trace as OTLP/HTTP carries it in JSON, ready for `JSON.stringify`: what an OTLP receiver takes at `/v1/traces`.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function toOtlpJson(trace: Trace): OtlpTraces {
  const byResource = Map.groupBy(trace.spans, ({ resource }) =>
    JSON.stringify(otlpAttributes(resource)),
  );
  return {
    resourceSpans: [...byResource.values()].map((spans) => ({
      resource: { attributes: otlpAttributes(spans[0]?.resource ?? {}), droppedAttributesCount: 0 },
      scopeSpans: [...Map.groupBy(spans, ({ scope }) => JSON.stringify(scope)).values()].map(
        (ofScope) => ({
          scope: ofScope[0]?.scope ?? { name: "" },
          spans: ofScope.map(otlpSpan),
        }),
      ),
    })),
  };
}

function otlpSpan(span: Span): OtlpSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    ...(span.traceState !== undefined && { traceState: span.traceState }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: String(span.startNs),
    endTimeUnixNano: String(span.endNs ?? 0),
    attributes: otlpAttributes(span.attributes),
    droppedAttributesCount: span.droppedAttributes,
    events: span.events.map(({ name, timeNs, attributes, droppedAttributes }) => ({
      attributes: otlpAttributes(attributes),
      name,
      timeUnixNano: String(timeNs),
      droppedAttributesCount: droppedAttributes,
    })),
    droppedEventsCount: span.droppedEvents,
    status: {
      code: STATUS_CODES[span.status.code],
      ...(span.status.message !== undefined && { message: span.status.message }),
    },
    links: span.links.map((link) => ({
      attributes: otlpAttributes(link.attributes),
      spanId: link.spanId,
      traceId: link.traceId,
      ...(link.traceState !== undefined && { traceState: link.traceState }),
      droppedAttributesCount: link.droppedAttributes,
      flags: flags(link.traceFlags, false),
    })),
    droppedLinksCount: span.droppedLinks,
    flags: flags(span.traceFlags, span.parentIsRemote),
  };
}

function flags(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

function otlpAttributes(attributes: Attributes): OtlpKeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: AttributeValue): OtlpValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number" && Number.isInteger(value)) return { intValue: value };
  if (typeof value === "number") {
    return { doubleValue: Number.isFinite(value) ? value : String(value) };
  }
  if (value === undefined || value === null) return {};
  if (value instanceof Uint8Array) return { bytesValue: base64(value) };
  if (isList(value)) return { arrayValue: { values: value.map(otlpValue) } };
  return { kvlistValue: { values: otlpAttributes(value) } };
}

function isList(value: object): value is readonly AttributeValue[] {
  return Array.isArray(value);
}
