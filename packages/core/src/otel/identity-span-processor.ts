import type { Context, Span } from "@opentelemetry/api";

import { attempt } from "../report-failure.ts";
import { stampIdentity } from "../stamp-identity.ts";

/**
 * Writes the identity in force on every span that starts, whoever starts it: database clients, HTTP clients, your own
 * code. Never overwrites an attribute. For OpenTelemetry SDK 2 and 3.
 */
export class IdentitySpanProcessor {
  onStart(span: Span, parentContext: Context): void {
    attempt("the identity could not be written on a span", () =>
      stampIdentity(span, parentContext),
    );
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
