import { base64 } from "./base64.ts";
import { isInt64 } from "./is-int64.ts";
import { isList } from "./is-list.ts";
import { plainAttributes } from "./plain-attributes.ts";
import type {
  Attributes,
  AttributeValue,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanScope,
} from "./span.ts";
import type { Trace } from "./trace.ts";

/** The body of an OTLP/HTTP request in JSON: what an OTLP receiver takes at `/v1/traces`. */
export interface OtlpTraces {
  readonly resourceSpans: readonly OtlpResourceSpans[];
}

/** The spans of one resource. */
export interface OtlpResourceSpans {
  readonly resource: {
    readonly attributes: readonly OtlpKeyValue[];
    readonly droppedAttributesCount: number;
    readonly schemaUrl?: string;
  };
  readonly scopeSpans: readonly OtlpScopeSpans[];
  readonly schemaUrl?: string;
}

/** The spans of one library. */
export interface OtlpScopeSpans {
  readonly scope: { readonly name: string; readonly version?: string };
  readonly spans: readonly OtlpSpan[];
  readonly schemaUrl?: string;
}

/** A span of OTLP. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;

  /** Internal 1, server 2, client 3, producer 4, consumer 5. */
  readonly kind: number;
  readonly startTimeUnixNano: string;

  /** `"0"` while the span runs. */
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpKeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly OtlpEvent[];
  readonly droppedEventsCount: number;

  /** Unset 0, ok 1, error 2. */
  readonly status: { readonly code: number; readonly message?: string };
  readonly links: readonly OtlpLink[];
  readonly droppedLinksCount: number;

  /** The low 8 bits are W3C's, 0x100 is always set, 0x200 says that the parent is in another process. */
  readonly flags: number;
}

/** A span event of OTLP. */
export interface OtlpEvent {
  readonly attributes: readonly OtlpKeyValue[];
  readonly name: string;
  readonly timeUnixNano: string;
  readonly droppedAttributesCount: number;
}

/** A span link of OTLP. */
export interface OtlpLink {
  readonly attributes: readonly OtlpKeyValue[];
  readonly spanId: string;
  readonly traceId: string;
  readonly traceState?: string;
  readonly droppedAttributesCount: number;
  readonly flags: number;
}

/** An attribute of OTLP. */
export interface OtlpKeyValue {
  readonly key: string;
  readonly value: OtlpValue;
}

/** A value of OTLP. Without a member it is `null`. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: number | string }
  | { readonly doubleValue: number | string }
  | { readonly bytesValue: string }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } }
  | { readonly kvlistValue: { readonly values: readonly OtlpKeyValue[] } }
  | Record<string, never>;

/**
 * A trace as OTLP/HTTP carries it in JSON, as an object for `JSON.stringify`.
 *
 * The spans are as OpenTelemetry's own exporter writes them. It differs where that one's JSON cannot be read: `NaN` and
 * the infinities are strings, and a whole number beyond 64 bits is a `doubleValue`. What is no attribute value (functions,
 * circles, what is nested deeper than 32 levels) is `null`.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function toOtlpJson(trace: Trace): OtlpTraces {
  const keys = new Map<Attributes, string>();
  const resourceKey = ({ resource, resourceSchemaUrl }: Span): string => {
    const key = keys.get(resource) ?? JSON.stringify(keyValues(resource));
    keys.set(resource, key);
    return `${resourceSchemaUrl ?? ""} ${key}`;
  };
  const byResource = Map.groupBy(trace.spans, resourceKey);
  return { resourceSpans: Array.from(byResource.values(), resourceSpans) };
}

function resourceSpans(spans: readonly Span[]): OtlpResourceSpans {
  const { resource = {}, resourceSchemaUrl } = spans[0] ?? {};
  const schema = resourceSchemaUrl === undefined ? {} : { schemaUrl: resourceSchemaUrl };
  const byScope = Map.groupBy(spans, ({ scope }) =>
    JSON.stringify([scope.name, scope.version ?? "", scope.schemaUrl ?? ""]),
  );
  return {
    resource: { attributes: keyValues(resource), droppedAttributesCount: 0, ...schema },
    scopeSpans: Array.from(byScope.values(), scopeSpans),
    ...schema,
  };
}

function scopeSpans(spans: readonly Span[]): OtlpScopeSpans {
  const { name, version, schemaUrl }: SpanScope = spans[0]?.scope ?? { name: "" };
  return {
    scope: { name, ...(version !== undefined && { version }) },
    spans: spans.map(otlpSpan),
    ...(schemaUrl !== undefined && { schemaUrl }),
  };
}

const KINDS: Readonly<Record<SpanKind, number>> = {
  internal: 1,
  server: 2,
  client: 3,
  producer: 4,
  consumer: 5,
};
const STATUS_CODES = { unset: 0, ok: 1, error: 2 } as const;

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
    attributes: keyValues(span.attributes),
    droppedAttributesCount: span.droppedAttributes,
    events: span.events.map(otlpEvent),
    droppedEventsCount: span.droppedEvents,
    status: {
      code: STATUS_CODES[span.status.code],
      ...(span.status.message !== undefined && { message: span.status.message }),
    },
    links: span.links.map(otlpLink),
    droppedLinksCount: span.droppedLinks,
    flags: flags(span.traceFlags, span.parentIsRemote),
  };
}

function otlpEvent({ name, timeNs, attributes, droppedAttributes }: SpanEvent): OtlpEvent {
  return {
    attributes: keyValues(attributes),
    name,
    timeUnixNano: String(timeNs),
    droppedAttributesCount: droppedAttributes,
  };
}

function otlpLink(link: SpanLink): OtlpLink {
  return {
    attributes: keyValues(link.attributes),
    spanId: link.spanId,
    traceId: link.traceId,
    ...(link.traceState !== undefined && { traceState: link.traceState }),
    droppedAttributesCount: link.droppedAttributes,
    flags: flags(link.traceFlags, link.isRemote),
  };
}

const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

function flags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote === true ? IS_REMOTE : 0);
}

function keyValues(attributes: Attributes): OtlpKeyValue[] {
  return memberValues(plainAttributes(attributes));
}

function memberValues(members: Attributes): OtlpKeyValue[] {
  return Object.entries(members).map(([key, value]) => ({ key, value: otlpValue(value) }));
}

function otlpValue(value: AttributeValue): OtlpValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "bigint":
      return isInt64(value) ? { intValue: String(value) } : doubleValue(Number(value));
    case "number":
      return isInt64(value) ? { intValue: value } : doubleValue(value);
    default:
      break;
  }
  if (value === null) return {};
  if (value instanceof Uint8Array) return { bytesValue: base64(value) };
  if (isList(value)) return { arrayValue: { values: value.map(otlpValue) } };
  return { kvlistValue: { values: memberValues(value) } };
}

function doubleValue(value: number): OtlpValue {
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}
