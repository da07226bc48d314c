export type { JsonValue } from "./json-value.ts";
export { renderTimeline } from "./render-timeline.ts";
export type { RenderTimelineOptions } from "./render-timeline.ts";
export type { SpanNode } from "./span-tree.ts";
export type {
  Attributes,
  AttributeValue,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanScope,
  SpanStatus,
} from "./span.ts";
export { toJaeger } from "./to-jaeger.ts";
export type {
  JaegerFile,
  JaegerLog,
  JaegerProcess,
  JaegerReference,
  JaegerSpan,
  JaegerTag,
  JaegerTrace,
} from "./to-jaeger.ts";
export { toJson } from "./to-json.ts";
export type { JsonAttributes, JsonEvent, JsonLink, JsonSpan, JsonTrace } from "./to-json.ts";
export { toOtlpJson } from "./to-otlp-json.ts";
export type {
  OtlpEvent,
  OtlpKeyValue,
  OtlpLink,
  OtlpResourceSpans,
  OtlpScopeSpans,
  OtlpSpan,
  OtlpTraces,
  OtlpValue,
} from "./to-otlp-json.ts";
export { traceFromSpans } from "./trace-from-spans.ts";
export type { HrTime, ReadableSpan, ReadableSpanContext } from "./trace-from-spans.ts";
export type { TraceIdentity } from "./trace-identity.ts";
export { buildTrace } from "./trace.ts";
export type { BuildTraceOptions, Trace } from "./trace.ts";
export type { UsageTotals } from "./usage-totals.ts";
