import { base64 } from "./base64.ts";
import { isList } from "./is-list.ts";
import type { JsonValue } from "./json-value.ts";
import { plainAttributes } from "./plain-attributes.ts";
import type {
  Attributes,
  AttributeValue,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanScope,
  SpanStatus,
} from "./span.ts";
import type { TraceIdentity } from "./trace-identity.ts";
import type { Trace } from "./trace.ts";
import type { UsageTotals } from "./usage-totals.ts";

/** Attributes as {@link toJson} writes them. */
export interface JsonAttributes {
  readonly [name: string]: JsonValue;
}

/** A span as {@link toJson} writes it: the members of a `Span`, times as decimal strings. */
export interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly parentIsRemote?: boolean;
  readonly name: string;
  readonly kind: SpanKind;

  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly startNs: string;

  /** Nanoseconds since the Unix epoch, in decimal; absent while the span runs. */
  readonly endNs?: string;
  readonly status: SpanStatus;
  readonly attributes: JsonAttributes;
  readonly events: readonly JsonEvent[];
  readonly links: readonly JsonLink[];
  readonly resource: JsonAttributes;
  readonly resourceSchemaUrl?: string;
  readonly scope: SpanScope;
  readonly traceFlags: number;
  readonly traceState?: string;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

/** An event as {@link toJson} writes it. */
export interface JsonEvent {
  readonly name: string;

  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly timeNs: string;
  readonly attributes: JsonAttributes;
  readonly droppedAttributes: number;
}

/** A link as {@link toJson} writes it. */
export interface JsonLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRemote?: boolean;
  readonly traceFlags: number;
  readonly traceState?: string;
  readonly attributes: JsonAttributes;
  readonly droppedAttributes: number;
}

/** A trace in Waybill's own format. A reader takes version 1 only, and ignores members that it does not know. */
export interface JsonTrace {
  readonly format: "waybill.trace";
  readonly version: 1;
  readonly traceId: string;

  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly startNs: string;

  /** Nanoseconds since the Unix epoch, in decimal. */
  readonly endNs: string;

  /** Nanoseconds, in decimal. */
  readonly durationNs: string;
  readonly serviceNames: readonly string[];
  readonly identity: TraceIdentity;
  readonly usage: UsageTotals;
  readonly errorCount: number;
  readonly droppedSpans: number;
  readonly complete: boolean;

  /** In the order of their start; the tree follows from `parentSpanId`. */
  readonly spans: readonly JsonSpan[];
}

/**
 * A trace in Waybill's own format, as an object for `JSON.stringify`. It keeps everything: times are decimal strings,
 * because nanoseconds do not fit into a JSON number, and an attribute value that JSON lacks is an object with one member:
 * `{"$bytes": "<base64>"}`, `{"$int": "<decimal>"}` for an integer that came as a `bigint`, `{"$float": "NaN"}` (or
 * `"Infinity"`, `"-Infinity"`). An object that only looks like one of these is wrapped: `{"$object": { … }}`.
 *
 * What is no attribute value (functions, circles, what is nested deeper than 32 levels) is `null`.
 */
export function toJson(trace: Trace): JsonTrace {
  return {
    format: "waybill.trace",
    version: 1,
    traceId: trace.traceId,
    startNs: String(trace.startNs),
    endNs: String(trace.endNs),
    durationNs: String(trace.durationNs),
    serviceNames: trace.serviceNames,
    identity: trace.identity,
    usage: trace.usage,
    errorCount: trace.errorCount,
    droppedSpans: trace.droppedSpans,
    complete: trace.complete,
    spans: trace.spans.map(jsonSpan),
  };
}

function jsonSpan({ startNs, endNs, ...span }: Span): JsonSpan {
  return {
    ...span,
    startNs: String(startNs),
    ...(endNs !== undefined && { endNs: String(endNs) }),
    attributes: jsonAttributes(span.attributes),
    events: span.events.map(jsonEvent),
    links: span.links.map(jsonLink),
    resource: jsonAttributes(span.resource),
  };
}

function jsonEvent({ timeNs, attributes, ...event }: SpanEvent): JsonEvent {
  return { ...event, timeNs: String(timeNs), attributes: jsonAttributes(attributes) };
}

function jsonLink({ attributes, ...link }: SpanLink): JsonLink {
  return { ...link, attributes: jsonAttributes(attributes) };
}

function jsonAttributes(attributes: Attributes): JsonAttributes {
  return jsonMembers(plainAttributes(attributes));
}

function jsonMembers(members: Attributes): JsonAttributes {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, jsonValue(value)]),
  );
}

function jsonValue(value: AttributeValue): JsonValue {
  if (typeof value === "bigint") return { $int: String(value) };
  if (typeof value === "number") return Number.isFinite(value) ? value : { $float: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: base64(value) };
  if (isList(value)) return value.map(jsonValue);
  const object = jsonMembers(value);
  const [first, second] = Object.keys(value);
  const looksSpecial = first?.startsWith("$") === true && second === undefined;
  return looksSpecial ? { $object: object } : object;
}
