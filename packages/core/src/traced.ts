import type { Attributes } from "@opentelemetry/api";

import { runAndEnd } from "./end-when-over.ts";
import { boundedName } from "./recordable-name.ts";
import { attempt } from "./report-failure.ts";
import {
  CODE_FUNCTION_NAME,
  WAYBILL_FUNCTION_ARGUMENTS,
  WAYBILL_FUNCTION_RESULT,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";
import type { SpanOptions } from "./with-span.ts";

/** Options of {@link traced}: a span's, and its name. */
export interface TracedOptions extends Omit<SpanOptions, "attributes"> {
  /** @default the function's own name */
  readonly name?: string;

  /** Attributes that are known at the start, or a function that chooses them from the call's arguments. */
  readonly attributes?: Attributes | ((...args: never[]) => Attributes);
}

/** Any function, whatever its `this` and its arguments are. */
export type AnyFunction = (this: never, ...args: never[]) => unknown;

/** Wraps a function; or, as `@traced()`, a method. */
export type TracedDecorator = <F extends AnyFunction>(
  target: F,
  decorated?: { readonly kind: string; readonly name: string | symbol },
) => F;

/**
 * Makes a wrapper that runs a function inside a span of its name, at every call. It keeps the function's `this`, type,
 * name, length, members, result and error; the span of a promise, a generator or a stream lasts as long as that does. It
 * works as a standard method decorator, too: `@traced()`, on methods, static and private ones included.
 *
 * The function's name is recorded as `code.function.name`; its arguments and its result only if the content policy lets
 * `input` and `output` be recorded, as `waybill.function.arguments` and `waybill.function.result`.
 *
 * @throws TypeError when it wraps anything but a function, or decorates anything but a method.
 * @example
 * ```ts
 * import { traced } from "@waybill/core";
 *
 * const lookUp = traced("look up order")(async (id: string) => ({ id }));
 * console.log(await lookUp("A-1"));
 * ```
 */
export function traced(nameOrOptions: string | TracedOptions = {}): TracedDecorator {
  const given = typeof nameOrOptions === "string" ? { name: nameOrOptions } : nameOrOptions;

  return (target, decorated) => {
    if (decorated !== undefined && decorated.kind !== "method") {
      throw new TypeError(`traced: decorates methods, not a ${decorated.kind}`);
    }
    if (typeof target !== "function") {
      throw new TypeError(`traced: wraps functions, not ${typeof target}`);
    }
    return wrapped(target, given, target.name || String(decorated?.name ?? "anonymous"));
  };
}

function wrapped<F extends AnyFunction>(target: F, given: TracedOptions, functionName: string): F {
  const { name = functionName, attributes: chosen, ...options } = given;

  return new Proxy(target, {
    apply(_target, self: unknown, args: unknown[]) {
      const attributes = { [CODE_FUNCTION_NAME]: functionName, ...chosenAttributes(chosen, args) };
      const span = new SpanHandle({ ...options, name: boundedName(name), attributes });
      span.recordContent("input", WAYBILL_FUNCTION_ARGUMENTS, () => args);
      return runAndEnd(
        span,
        () => Reflect.apply(target, self, args) as unknown,
        (result) => span.recordContent("output", WAYBILL_FUNCTION_RESULT, () => result),
      );
    },
  });
}

function chosenAttributes(chosen: TracedOptions["attributes"], args: unknown[]): Attributes {
  if (typeof chosen !== "function") return chosen ?? {};
  return (
    attempt("the attributes of a traced function could not be chosen", () =>
      Reflect.apply(chosen, undefined, args),
    ) ?? {}
  );
}
