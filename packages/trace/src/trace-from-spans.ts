import type { Attributes, Span, SpanKind, SpanStatus } from "./span.ts";
import { buildTrace } from "./trace.ts";
import type { Trace } from "./trace.ts";

/** A time of OpenTelemetry: seconds since the Unix epoch, and nanoseconds. */
export type HrTime = readonly [number, number];

interface ReadableSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean | undefined;
  readonly traceState?: { readonly serialize: () => string } | undefined;
}

/** A span as the OpenTelemetry SDK 2 and 3 hand it to processors and exporters. */
export interface ReadableSpan {
  readonly name: string;

  /** As in OpenTelemetry's API: internal 0, server 1, client 2, producer 3, consumer 4. */
  readonly kind: number;
  readonly spanContext: () => ReadableSpanContext;
  readonly parentSpanContext?: ReadableSpanContext | undefined;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly ended: boolean;

  /** As in OpenTelemetry's API: unset 0, ok 1, error 2. */
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: object;
  readonly events: readonly {
    readonly name: string;
    readonly time: HrTime;
    readonly attributes?: object | undefined;
    readonly droppedAttributesCount?: number | undefined;
  }[];
  readonly links: readonly {
    readonly context: ReadableSpanContext;
    readonly attributes?: object | undefined;
    readonly droppedAttributesCount?: number | undefined;
  }[];
  readonly resource: { readonly attributes: object };
  readonly instrumentationScope: { readonly name: string; readonly version?: string | undefined };
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

const KINDS: readonly SpanKind[] = ["internal", "server", "client", "producer", "consumer"];
const STATUS_CODES: readonly SpanStatus["code"][] = ["unset", "ok", "error"];

/**
 * A trace from the spans of OpenTelemetry SDK 2 or 3. Spans that have not ended are running spans of the trace. What it
 * returns holds copies: it does not change when the spans do.
 *
 * @throws TypeError if there is no span, or if they are not all of the same trace.
 */
export function traceFromSpans(spans: readonly ReadableSpan[]): Trace {
  return buildTrace(spans.map(plainSpan));
}

function plainSpan(span: ReadableSpan): Span {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const { parentSpanContext: parent, status, instrumentationScope: scope } = span;
  const state = traceState?.serialize();
  return {
    traceId,
    spanId,
    ...(parent !== undefined && { parentSpanId: parent.spanId }),
    parentIsRemote: parent?.isRemote === true,
    name: span.name,
    kind: KINDS[span.kind] ?? "internal",
    startNs: nanoseconds(span.startTime),
    ...(span.ended && { endNs: nanoseconds(span.endTime) }),
    status: {
      code: STATUS_CODES[status.code] ?? "unset",
      ...(status.message !== undefined && { message: status.message }),
    },
    attributes: plainAttributes(span.attributes),
    events: span.events.map(({ name, time, attributes, droppedAttributesCount }) => ({
      name,
      timeNs: nanoseconds(time),
      attributes: plainAttributes(attributes),
      droppedAttributes: droppedAttributesCount ?? 0,
    })),
    links: span.links.map(({ context, attributes, droppedAttributesCount }) => {
      const linkState = context.traceState?.serialize();
      return {
        traceId: context.traceId,
        spanId: context.spanId,
        traceFlags: context.traceFlags,
        ...(linkState !== undefined && { traceState: linkState }),
        attributes: plainAttributes(attributes),
        droppedAttributes: droppedAttributesCount ?? 0,
      };
    }),
    resource: plainAttributes(span.resource.attributes),
    scope: { name: scope.name, ...(scope.version !== undefined && { version: scope.version }) },
    traceFlags,
    ...(state !== undefined && state !== "" && { traceState: state }),
    droppedAttributes: span.droppedAttributesCount,
    droppedEvents: span.droppedEventsCount,
    droppedLinks: span.droppedLinksCount,
  };
}

function plainAttributes(attributes: object | undefined): Attributes {
  return { ...attributes };
}

function nanoseconds([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}
