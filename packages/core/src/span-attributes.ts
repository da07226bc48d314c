import type { Attributes, Span } from "@opentelemetry/api";

/** The attributes of a span, as the spans of OpenTelemetry's SDKs show them; of others, nothing is known. */
export function spanAttributes(span: Span): Attributes {
  return (span as { readonly attributes?: Attributes }).attributes ?? {};
}
