import type { Attributes, Context, SpanKind } from "@opentelemetry/api";

import type { CaptureContent } from "./content-policy.ts";
import { runAndEnd } from "./end-when-over.ts";
import { boundedName } from "./recordable-name.ts";
import { SpanHandle } from "./span-handle.ts";

/** Options of {@link withSpan}, {@link startSpan} and {@link traced}. */
export interface SpanOptions {
  /** @default SpanKind.INTERNAL */
  readonly kind?: SpanKind;

  /** What is known at the start. Samplers see it. */
  readonly attributes?: Attributes;

  /**
   * The context that the span starts in.
   *
   * @default the active context
   */
  readonly parent?: Context;

  /** A signal that ends the span as `aborted`, not as failed, when the code throws the signal's reason. */
  readonly signal?: AbortSignal;

  /**
   * Which content is recorded on this span.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent;
}

/**
 * Runs `fn` inside a new span and returns what it returns. The span has the first 128 characters of the name.
 *
 * The span ends when that is over: a promise when it settles; a `ReadableStream`, an async iterable or a generator when
 * it was read to its end or left; anything else at once. It ends as failed if there is an error, which passes through as
 * the same object.
 *
 * @example
 * ```ts
 * import { withSpan } from "@waybill/core";
 *
 * const total = await withSpan("price the cart", async (span) => {
 *   span.setAttributes({ "cart.items": 3 });
 *   return 42;
 * });
 * console.log(total);
 * ```
 */
export function withSpan<T>(name: string, fn: (span: SpanHandle) => T): T;
export function withSpan<T>(name: string, options: SpanOptions, fn: (span: SpanHandle) => T): T;
export function withSpan<T>(
  name: string,
  ...rest: [(span: SpanHandle) => T] | [SpanOptions, (span: SpanHandle) => T]
): T {
  const [options, fn] = rest.length === 1 ? [{}, rest[0]] : rest;
  return runAndEnd(new SpanHandle({ ...options, name: boundedName(name) }), fn);
}

/**
 * Opens a span that the caller ends: with `using` or `await using`, or by `end()` or `fail(error)`. It is active only
 * inside its `run` and in functions made by its `bind`. If it is lost, it ends as `abandoned` when it is collected as
 * garbage, or by `flushOpen`.
 *
 * @example
 * ```ts
 * import { startSpan } from "@waybill/core";
 *
 * using span = startSpan("import orders");
 * const count = span.run(() => 3);
 * span.setAttributes({ "orders.count": count });
 * ```
 */
export function startSpan(name: string, options: SpanOptions = {}): SpanHandle {
  return new SpanHandle({ ...options, name: boundedName(name) }).keepOpen();
}
