import { plainAttributes } from "./plain-attributes.ts";
import type { Attributes, Span, SpanEvent, SpanKind, SpanLink, SpanStatus } from "./span.ts";
import { buildTrace } from "./trace.ts";
import type { BuildTraceOptions, Trace } from "./trace.ts";

/** A time of OpenTelemetry: seconds since the Unix epoch, and nanoseconds. */
export type HrTime = readonly [seconds: number, nanoseconds: number];

/** A span as OpenTelemetry's SDK 2 and 3 hand it to processors and exporters. */
export interface ReadableSpan {
  readonly name: string;

  /** As in OpenTelemetry's API: internal 0, server 1, client 2, producer 3, consumer 4. */
  readonly kind: number;
  readonly spanContext: () => ReadableSpanContext;
  readonly parentSpanContext?: ReadableSpanContext | undefined;
  readonly startTime: HrTime;

  /** Read only if the span has ended. */
  readonly endTime: HrTime;
  readonly ended: boolean;

  /** The code is as in OpenTelemetry's API: unset 0, ok 1, error 2. */
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: object;
  readonly events: readonly ReadableEvent[];
  readonly links: readonly ReadableLink[];
  readonly resource: { readonly attributes: object; readonly schemaUrl?: string | undefined };
  readonly instrumentationScope: {
    readonly name: string;
    readonly version?: string | undefined;
    readonly schemaUrl?: string | undefined;
  };
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

/** A span's place in its trace, as OpenTelemetry's API has it. */
export interface ReadableSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean | undefined;
  readonly traceState?: { readonly serialize: () => string } | undefined;
}

interface ReadableEvent {
  readonly name: string;
  readonly time: HrTime;
  readonly attributes?: object | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

interface ReadableLink {
  readonly context: ReadableSpanContext;
  readonly attributes?: object | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/**
 * A trace from the spans of OpenTelemetry SDK 2 or 3. Spans that have not ended are running spans of the trace. What it
 * returns is a copy: it does not change when the spans do.
 *
 * @throws TypeError if there is no span, or if they are not all of the same trace.
 */
export function traceFromSpans(
  spans: readonly ReadableSpan[],
  options: BuildTraceOptions = {},
): Trace {
  const resources = new Map<object, Attributes>();
  const resourceOf = ({ resource }: ReadableSpan): Attributes => {
    const attributes = resources.get(resource) ?? plainAttributes(resource.attributes);
    resources.set(resource, attributes);
    return attributes;
  };
  return buildTrace(
    spans.map((span) => plainSpan(span, resourceOf(span))),
    options,
  );
}

const KINDS: readonly SpanKind[] = ["internal", "server", "client", "producer", "consumer"];
const STATUS_CODES: readonly SpanStatus["code"][] = ["unset", "ok", "error"];

function plainSpan(span: ReadableSpan, resource: Attributes): Span {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const { parentSpanContext: parent, status, instrumentationScope: scope } = span;
  return {
    traceId,
    spanId,
    ...(parent && { parentSpanId: parent.spanId }),
    ...(parent?.isRemote && { parentIsRemote: true }),
    name: span.name,
    kind: KINDS[span.kind] ?? "internal",
    startNs: nanoseconds(span.startTime),
    ...(span.ended && { endNs: nanoseconds(span.endTime) }),
    status: {
      code: STATUS_CODES[status.code] ?? "unset",
      ...(status.message !== undefined && { message: status.message }),
    },
    attributes: plainAttributes(span.attributes),
    events: span.events.map(plainEvent),
    links: span.links.map(plainLink),
    resource,
    ...(span.resource.schemaUrl && { resourceSchemaUrl: span.resource.schemaUrl }),
    scope: {
      name: scope.name,
      ...(scope.version !== undefined && { version: scope.version }),
      ...(scope.schemaUrl !== undefined && { schemaUrl: scope.schemaUrl }),
    },
    traceFlags,
    ...(traceState && { traceState: traceState.serialize() }),
    droppedAttributes: span.droppedAttributesCount,
    droppedEvents: span.droppedEventsCount,
    droppedLinks: span.droppedLinksCount,
  };
}

function plainEvent(event: ReadableEvent): SpanEvent {
  return {
    name: event.name,
    timeNs: nanoseconds(event.time),
    attributes: plainAttributes(event.attributes ?? {}),
    droppedAttributes: event.droppedAttributesCount ?? 0,
  };
}

function plainLink({ context, attributes, droppedAttributesCount }: ReadableLink): SpanLink {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(context.isRemote && { isRemote: true }),
    traceFlags: context.traceFlags,
    ...(context.traceState && { traceState: context.traceState.serialize() }),
    attributes: plainAttributes(attributes ?? {}),
    droppedAttributes: droppedAttributesCount ?? 0,
  };
}

function nanoseconds([seconds, nanos]: HrTime): bigint {
  return whole(seconds) * 1_000_000_000n + whole(nanos);
}

/** OpenTelemetry passes on what an application gave as a time: fractions, and `NaN` for an invalid date. */
function whole(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}
