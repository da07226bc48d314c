import type { Attributes, Context, SpanKind } from "@opentelemetry/api";

import type { CaptureContent } from "./content-policy.ts";
import { CODE_FUNCTION_NAME } from "./semconv.ts";
import { runAndEnd, SpanHandle } from "./span-handle.ts";

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
 * Runs `fn` inside a new span and returns what it returns.
 *
 * The span ends when `fn`, or the promise it returns, is done: as failed if it throws. The error passes through as the
 * same object.
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
  return runAndEnd(new SpanHandle({ ...options, name }), fn);
}

/**
 * Opens a span that the caller ends: with `using`, or by `end()` or `fail(error)`. It is active only inside its `run`
 * and in functions made by its `bind`.
 */
export function startSpan(name: string, options: SpanOptions = {}): SpanHandle {
  return new SpanHandle({ ...options, name });
}

/** Options of {@link traced}: a span's, and its name. */
export interface TracedOptions extends SpanOptions {
  /** @default the function's own name */
  readonly name?: string;
}

/**
 * Makes a wrapper that runs a function inside a span of its name, at every call. It keeps the function's `this`, type,
 * name and length, and works as a standard method decorator too (`@traced()`).
 *
 * @example
 * ```ts
 * import { traced } from "@waybill/core";
 *
 * const lookUp = traced("look up order")(async (id: string) => ({ id }));
 * console.log(await lookUp("A-1"));
 * ```
 */
export function traced(
  nameOrOptions: string | TracedOptions = {},
): <F extends (this: never, ...args: never[]) => unknown>(
  target: F,
  decorated?: { readonly name: string | symbol },
) => F {
  const given = typeof nameOrOptions === "string" ? { name: nameOrOptions } : nameOrOptions;

  return function trace<F extends (this: never, ...args: never[]) => unknown>(
    target: F,
    decorated?: { readonly name: string | symbol },
  ): F {
    const functionName = target.name || String(decorated?.name ?? "anonymous");
    const { name = functionName, ...options } = given;
    const attributes = { [CODE_FUNCTION_NAME]: functionName, ...options.attributes };

    function wrapper(this: unknown, ...args: unknown[]): unknown {
      return withSpan(name, { ...options, attributes }, () => Reflect.apply(target, this, args));
    }
    Object.defineProperty(wrapper, "name", { value: target.name, configurable: true });
    Object.defineProperty(wrapper, "length", { value: target.length, configurable: true });
    return wrapper as unknown as F;
  };
}
