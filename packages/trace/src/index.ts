export { renderTimeline } from "./render-timeline.ts";
export type { RenderTimelineOptions } from "./render-timeline.ts";
export type {
  Attributes,
  AttributeValue,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanStatus,
} from "./span.ts";
export { toJaeger } from "./to-jaeger.ts";
export type { JaegerFile, JaegerProcess, JaegerSpan, JaegerTag } from "./to-jaeger.ts";
export { toJson } from "./to-json.ts";
export type { JsonAttributes, JsonSpan, JsonTrace, JsonValue } from "./to-json.ts";
export { toOtlpJson } from "./to-otlp-json.ts";
export type { OtlpKeyValue, OtlpSpan, OtlpTraces, OtlpValue } from "./to-otlp-json.ts";
export { traceFromSpans } from "./trace-from-spans.ts";
export type { HrTime, ReadableSpan } from "./trace-from-spans.ts";
export { buildTrace } from "./trace.ts";
export type { SpanNode, Trace, TraceIdentity, UsageTotals } from "./trace.ts";
