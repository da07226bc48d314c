import type { Context } from "@opentelemetry/api";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";

import { contain } from "./contain.ts";

/** A span processor whose failures go to `diag` and not to the application, which starts and ends the spans. */
export class GuardedSpanProcessor implements SpanProcessor {
  readonly #processor: SpanProcessor;

  constructor(processor: SpanProcessor) {
    this.#processor = processor;
  }

  onStart(span: Span, parentContext: Context): void {
    void contain("a span processor threw in `onStart`", () =>
      this.#processor.onStart(span, parentContext),
    );
  }

  onEnding(span: Span): void {
    void contain("a span processor threw in `onEnding`", () => this.#processor.onEnding?.(span));
  }

  onEnd(span: ReadableSpan): void {
    void contain("a span processor threw in `onEnd`", () => this.#processor.onEnd(span));
  }

  async forceFlush(): Promise<void> {
    await contain("a span processor could not be flushed", () => this.#processor.forceFlush?.());
  }

  async shutdown(): Promise<void> {
    await contain("a span processor could not be shut down", () => this.#processor.shutdown?.());
  }
}
