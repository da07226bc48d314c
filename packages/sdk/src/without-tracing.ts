import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";

/** The key of OpenTelemetry's `suppressTracing`: equal descriptions are equal keys. */
const SUPPRESS_TRACING = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
const UNTRACED = ROOT_CONTEXT.setValue(SUPPRESS_TRACING, true);

/** Runs what works for tracing itself: neither it nor what it awaits makes spans, and it has no identity. */
export function withoutTracing<T>(run: () => T): T {
  return context.with(UNTRACED, run);
}
