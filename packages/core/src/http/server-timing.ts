import { isSpanContextValid } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";

/**
 * The value of the response header `Server-Timing` that names the span of the request; nothing where no OpenTelemetry SDK
 * is registered.
 *
 * @see https://w3c.github.io/trace-context/#trace-context-http-response-headers-format
 */
export function serverTimingOf(span: Span): string | undefined {
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return undefined;
  const { traceId, spanId, traceFlags } = spanContext;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  return `trace;desc="00-${traceId}-${spanId}-${flags}"`;
}
