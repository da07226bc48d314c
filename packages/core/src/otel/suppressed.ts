import { createContextKey } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

/** The key of OpenTelemetry's `suppressTracing`: equal descriptions are equal keys. */
const SUPPRESS_TRACING = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Whether tracing is suppressed in a context, by OpenTelemetry's `suppressTracing`. */
export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(SUPPRESS_TRACING) === true;
}
