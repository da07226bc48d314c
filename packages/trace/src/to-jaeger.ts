import type { Attributes, AttributeValue, Span, SpanEvent } from "./span.ts";
import { base64, jsonValue } from "./to-json.ts";
import type { Trace } from "./trace.ts";

/** A typed key and value of Jaeger. */
export interface JaegerTag {
  readonly key: string;
  readonly type: "string" | "bool" | "int64" | "float64" | "binary";
  readonly value: string | number | boolean;
}

/** A span of Jaeger. */
export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly flags: number;
  readonly operationName: string;
  readonly references: readonly {
    readonly refType: "CHILD_OF" | "FOLLOWS_FROM";
    readonly traceID: string;
    readonly spanID: string;
  }[];

  /** Microseconds since the Unix epoch. */
  readonly startTime: number;

  /** Microseconds. */
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly JaegerTag[] }[];
  readonly processID: string;
  readonly warnings: readonly string[] | null;
}

/** A file that Jaeger's UI exports and uploads. */
export interface JaegerFile {
  readonly data: readonly {
    readonly traceID: string;
    readonly spans: readonly JaegerSpan[];
    readonly processes: Readonly<Record<string, JaegerProcess>>;
    readonly warnings: readonly string[] | null;
  }[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly errors: null;
}

/** What produced spans. */
export interface JaegerProcess {
  readonly serviceName: string;
  readonly tags: readonly JaegerTag[];
}

/**
 * A trace as Jaeger's UI exports it, ready for `JSON.stringify` and for upload there. Times are cut to microseconds; a
 * span that still runs has a duration of 0 and a warning that says so.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/
 */
export function toJaeger(trace: Trace): JaegerFile {
  const processes = new Map<string, { readonly id: string; readonly process: JaegerProcess }>();
  const processId = ({ resource }: Span): string => {
    const process = jaegerProcess(resource);
    const key = JSON.stringify(process);
    const known = processes.get(key) ?? { id: `p${processes.size + 1}`, process };
    processes.set(key, known);
    return known.id;
  };
  const spans = trace.spans.map((span) => jaegerSpan(span, processId(span)));

  return {
    data: [
      {
        traceID: trace.traceId,
        spans,
        processes: Object.fromEntries(
          [...processes.values()].map(({ id, process }) => [id, process]),
        ),
        warnings: null,
      },
    ],
    total: 0,
    limit: 0,
    offset: 0,
    errors: null,
  };
}

function jaegerSpan(span: Span, processID: string): JaegerSpan {
  const end = span.endNs ?? span.startNs;
  return {
    traceID: span.traceId,
    spanID: span.spanId,
    flags: span.traceFlags,
    operationName: span.name,
    references: references(span),
    startTime: microseconds(span.startNs),
    duration: microseconds(end - span.startNs),
    tags: spanTags(span),
    logs: span.events.map(log),
    processID,
    warnings: span.endNs === undefined ? ["the span has not ended"] : null,
  };
}

function references({ traceId, parentSpanId, links }: Span): JaegerSpan["references"] {
  const parent =
    parentSpanId === undefined
      ? []
      : [{ refType: "CHILD_OF" as const, traceID: traceId, spanID: parentSpanId }];
  const others = links
    .filter((link) => link.traceId !== traceId || link.spanId !== parentSpanId)
    .map((link) => ({
      refType:
        link.attributes["opentracing.ref_type"] === "child_of"
          ? ("CHILD_OF" as const)
          : ("FOLLOWS_FROM" as const),
      traceID: link.traceId,
      spanID: link.spanId,
    }));
  return [...parent, ...others];
}

function spanTags(span: Span): JaegerTag[] {
  const { scope, status } = span;
  return tags({
    "otel.scope.name": scope.name,
    "otel.library.name": scope.name,
    ...(scope.version !== undefined && {
      "otel.scope.version": scope.version,
      "otel.library.version": scope.version,
    }),
    ...span.attributes,
    "span.kind": span.kind,
    ...(status.code !== "unset" && { "otel.status_code": status.code.toUpperCase() }),
    ...(status.code === "error" && { error: true }),
    ...(status.message !== undefined &&
      status.message !== "" && { "otel.status_description": status.message }),
    ...(span.traceState !== undefined && { "w3c.tracestate": span.traceState }),
    ...(span.droppedAttributes > 0 && { "otel.dropped_attributes_count": span.droppedAttributes }),
    ...(span.droppedEvents > 0 && { "otel.dropped_events_count": span.droppedEvents }),
    ...(span.droppedLinks > 0 && { "otel.dropped_links_count": span.droppedLinks }),
  });
}

function log({ name, timeNs, attributes }: SpanEvent): JaegerSpan["logs"][number] {
  const fields = "event" in attributes ? attributes : { event: name, ...attributes };
  return { timestamp: microseconds(timeNs), fields: tags(fields) };
}

function jaegerProcess(resource: Attributes): JaegerProcess {
  const { "service.name": serviceName, ...others } = resource;
  const name = typeof serviceName === "string" ? serviceName : "OTLPResourceNoServiceName";
  return { serviceName: name, tags: tags(others) };
}

function tags(attributes: Attributes): JaegerTag[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, ...typedValue(value) }));
}

function typedValue(value: AttributeValue): Pick<JaegerTag, "type" | "value"> {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (value instanceof Uint8Array) return { type: "binary", value: base64(value) };
  if (typeof value === "number" && Number.isInteger(value)) {
    return { type: "int64", value: Number.isSafeInteger(value) ? value : String(BigInt(value)) };
  }
  if (typeof value === "number") {
    return Number.isFinite(value)
      ? { type: "float64", value }
      : { type: "string", value: String(value) };
  }
  return { type: "string", value: JSON.stringify(jsonValue(value)) };
}

function microseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n);
}
