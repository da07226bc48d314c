import { base64 } from "./base64.ts";
import { isInt64 } from "./is-int64.ts";
import { isList } from "./is-list.ts";
import type { JsonValue } from "./json-value.ts";
import { plainAttributes } from "./plain-attributes.ts";
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from "./span.ts";
import type { Trace } from "./trace.ts";

/** A file as Jaeger's UI downloads and uploads it. */
export interface JaegerFile {
  readonly data: readonly JaegerTrace[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly errors: null;
}

/** A trace of Jaeger. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];

  /** What produced the spans, by {@link JaegerSpan.processID}. */
  readonly processes: Readonly<Record<string, JaegerProcess>>;
  readonly warnings: readonly string[] | null;
}

/** A span of Jaeger. */
export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly JaegerReference[];

  /** Microseconds since the Unix epoch. */
  readonly startTime: number;

  /** Microseconds. */
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly JaegerLog[];
  readonly processID: string;
  readonly warnings: readonly string[] | null;
}

/** A pointer to the parent or to a linked span. */
export interface JaegerReference {
  readonly refType: "CHILD_OF" | "FOLLOWS_FROM";
  readonly traceID: string;
  readonly spanID: string;
}

/**
 * A typed key and value. A number that JSON or JavaScript cannot hold exactly is its text; a `bigint` beyond 64 bits is a
 * string.
 */
export interface JaegerTag {
  readonly key: string;
  readonly type: "string" | "bool" | "int64" | "float64" | "binary";
  readonly value: string | number | boolean;
}

/** A span event. */
export interface JaegerLog {
  /** Microseconds since the Unix epoch. */
  readonly timestamp: number;
  readonly fields: readonly JaegerTag[];
}

/** What produced spans. */
export interface JaegerProcess {
  readonly serviceName: string;
  readonly tags: readonly JaegerTag[];
}

/**
 * A trace as Jaeger's UI exports it, as an object for `JSON.stringify`: upload the file on Jaeger's search page.
 *
 * Times are cut to microseconds. A span that has not ended lasts until the end of the trace and carries a warning. An
 * attribute `@jaeger@warnings` becomes the span's warnings. An attribute with the name of a tag that says something else
 * of the span here (`error` of one that failed, `span.kind`, `otel.status_code`) gives way to it. What is no attribute
 * value (functions, circles, what is nested deeper than 32 levels) is empty or `null`.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/
 */
export function toJaeger(trace: Trace): JaegerFile {
  const processes = new ProcessList();
  const spans = trace.spans.map((span) =>
    jaegerSpan(span, trace.endNs, processes.idOf(span.resource)),
  );
  const data = {
    traceID: jaegerTraceId(trace.traceId),
    spans,
    processes: processes.byId(),
    warnings: null,
  };
  return { data: [data], total: 0, limit: 0, offset: 0, errors: null };
}

function jaegerSpan(span: Span, traceEndNs: bigint, processID: string): JaegerSpan {
  const durationNs = (span.endNs ?? traceEndNs) - span.startNs;
  const warnings = [
    ...ownWarnings(span.attributes),
    ...(span.endNs === undefined ? ["the span had not ended when the trace was written"] : []),
  ];
  return {
    traceID: jaegerTraceId(span.traceId),
    spanID: span.spanId,
    operationName: span.name,
    references: spanReferences(span),
    startTime: microseconds(span.startNs),
    duration: durationNs > 0n ? microseconds(durationNs) : 0,
    tags: spanTags(span),
    logs: span.events.map(eventLog),
    processID,
    warnings: warnings.length > 0 ? warnings : null,
  };
}

const WARNINGS = "@jaeger@warnings";

function ownWarnings({ [WARNINGS]: warnings }: Attributes): string[] {
  return Array.isArray(warnings)
    ? warnings.filter((warning: unknown) => typeof warning === "string")
    : [];
}

function spanReferences({ traceId, parentSpanId, links }: Span): JaegerReference[] {
  const isParent = (link: SpanLink): boolean =>
    link.traceId === traceId && link.spanId === parentSpanId;
  const linkToParent = links.findLast(isParent);
  const parent =
    parentSpanId === undefined
      ? []
      : [
          {
            refType: linkToParent ? refType(linkToParent) : ("CHILD_OF" as const),
            traceID: jaegerTraceId(traceId),
            spanID: parentSpanId,
          },
        ];
  const others = links
    .filter((link) => !isParent(link))
    .map((link) => ({
      refType: refType(link),
      traceID: jaegerTraceId(link.traceId),
      spanID: link.spanId,
    }));
  return [...parent, ...others];
}

function refType({ attributes }: SpanLink): JaegerReference["refType"] {
  return attributes["opentracing.ref_type"] === "child_of" ? "CHILD_OF" : "FOLLOWS_FROM";
}

function spanTags(span: Span): JaegerTag[] {
  const { scope, status } = span;
  const library = [
    ...textTag("otel.scope.name", scope.name),
    ...textTag("otel.scope.version", scope.version),
    // The older names: Jaeger's UI shows the library of a span by them.
    ...textTag("otel.library.name", scope.name),
    ...textTag("otel.library.version", scope.version),
  ];
  const facts = [
    tag("span.kind", span.kind),
    ...(status.code === "unset" ? [] : [tag("otel.status_code", status.code.toUpperCase())]),
    ...(status.code === "error" ? [tag("error", true)] : []),
    ...textTag("otel.status_description", status.message),
    ...textTag("w3c.tracestate", span.traceState),
    ...countTag("otel.dropped_attributes_count", span.droppedAttributes),
    ...countTag("otel.dropped_events_count", span.droppedEvents),
    ...countTag("otel.dropped_links_count", span.droppedLinks),
  ];
  const taken = new Set([WARNINGS, ...library.map(keyOf), ...facts.map(keyOf)]);
  return [...library, ...tags(span.attributes).filter(({ key }) => !taken.has(key)), ...facts];
}

function keyOf({ key }: JaegerTag): string {
  return key;
}

function eventLog({ name, timeNs, attributes, droppedAttributes }: SpanEvent): JaegerLog {
  const dropped = countTag("otel.dropped_attributes_count", droppedAttributes);
  const own = tags(attributes).filter(({ key }) => !dropped.map(keyOf).includes(key));
  const named = own.some(({ key }) => key === "event");
  return {
    timestamp: microseconds(timeNs),
    fields: [...(named ? [] : textTag("event", name)), ...own, ...dropped],
  };
}

/** The processes of a trace: resources with equal attributes, in whatever order, are one. */
class ProcessList {
  readonly #processes = new Map<string, { readonly id: string; readonly process: JaegerProcess }>();
  readonly #ids = new Map<Attributes, string>();

  idOf(resource: Attributes): string {
    const known = this.#ids.get(resource);
    if (known !== undefined) return known;

    const process = jaegerProcess(resource);
    const sorted = process.tags.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const key = JSON.stringify([process.serviceName, sorted]);
    const equal = this.#processes.get(key) ?? { id: `p${this.#processes.size + 1}`, process };
    this.#processes.set(key, equal);
    this.#ids.set(resource, equal.id);
    return equal.id;
  }

  byId(): Record<string, JaegerProcess> {
    const all = [...this.#processes.values()];
    return Object.fromEntries(all.map(({ id, process }) => [id, process]));
  }
}

function jaegerProcess({ "service.name": serviceName, ...others }: Attributes): JaegerProcess {
  const named = typeof serviceName === "string" && serviceName !== "";
  return { serviceName: named ? serviceName : "OTLPResourceNoServiceName", tags: tags(others) };
}

function tags(attributes: Attributes): JaegerTag[] {
  return Object.entries(plainAttributes(attributes)).map(([key, value]) => tag(key, value));
}

function textTag(key: string, value: string | undefined): JaegerTag[] {
  return value === undefined || value === "" ? [] : [tag(key, value)];
}

function countTag(key: string, count: number): JaegerTag[] {
  return count === 0 ? [] : [tag(key, count)];
}

function tag(key: string, value: AttributeValue): JaegerTag {
  switch (typeof value) {
    case "string":
      return { key, type: "string", value };
    case "boolean":
      return { key, type: "bool", value };
    case "bigint":
      return isInt64(value)
        ? { key, type: "int64", value: exactInteger(value) }
        : { key, type: "string", value: String(value) };
    case "number":
      return isInt64(value)
        ? { key, type: "int64", value: exactInteger(BigInt(value)) }
        : { key, type: "float64", value: Number.isFinite(value) ? value : String(value) };
    default:
      break;
  }
  if (value === null) return { key, type: "string", value: "" };
  if (value instanceof Uint8Array) return { key, type: "binary", value: base64(value) };
  return { key, type: "string", value: JSON.stringify(readable(value)) };
}

function exactInteger(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** What `JSON.stringify` writes as a person expects it: bytes in base64, numbers that JSON lacks as their text. */
function readable(value: AttributeValue): JsonValue {
  if (typeof value === "bigint") return exactInteger(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return base64(value);
  if (isList(value)) return value.map(readable);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, readable(member)]));
}

/** Jaeger writes a trace id whose first half is zero in 16 digits. */
function jaegerTraceId(traceId: string): string {
  return traceId.startsWith("0".repeat(16)) ? traceId.slice(16) : traceId;
}

function microseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n);
}
