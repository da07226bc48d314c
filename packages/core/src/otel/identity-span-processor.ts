import type { Attributes, Context, Span } from "@opentelemetry/api";

import { resolveIdentity } from "../identity-context.ts";
import { attempt } from "../report-failure.ts";
import { GEN_AI_OPERATION_NAME } from "../semconv.ts";

/** A span as OpenTelemetry SDK 2 and 3 show it to their processors. */
type StartedSpan = Span & { readonly attributes?: Attributes };

/**
 * Writes the identity in force on every span that starts, whoever starts it: database clients, HTTP clients, your own
 * code. Never overwrites an attribute. For OpenTelemetry SDK 2 and 3.
 */
export class IdentitySpanProcessor {
  onStart(span: StartedSpan, parentContext: Context): void {
    attempt("the identity could not be written on a span", () => {
      const { attributes = {} } = span;
      const { all, genAi } = resolveIdentity(parentContext).attributes;
      const stamp = attributes[GEN_AI_OPERATION_NAME] === undefined ? all : { ...all, ...genAi };
      for (const [key, value] of Object.entries(stamp)) {
        if (attributes[key] === undefined) span.setAttribute(key, value);
      }
    });
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
