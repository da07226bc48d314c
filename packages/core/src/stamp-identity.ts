import type { Attributes, Context, Span } from "@opentelemetry/api";

import { resolveIdentity } from "./identity-context.ts";
import { GEN_AI_OPERATION_NAME } from "./semconv.ts";
import { spanAttributes } from "./span-attributes.ts";

/**
 * Writes the identity in force in `context` on a span that starts there. Never overwrites an attribute: neither one that
 * OpenTelemetry's SDK shows on the span, nor one of `given`.
 */
export function stampIdentity(span: Span, context: Context, given: Attributes = {}): void {
  const { all, genAi } = resolveIdentity(context).attributes;
  const present = spanAttributes(span);
  const isGenAi = (given[GEN_AI_OPERATION_NAME] ?? present[GEN_AI_OPERATION_NAME]) !== undefined;
  for (const attributes of isGenAi ? [all, genAi] : [all]) {
    for (const key in attributes) {
      const value = attributes[key];
      if (value !== undefined && given[key] === undefined && present[key] === undefined) {
        span.setAttribute(key, value);
      }
    }
  }
}
