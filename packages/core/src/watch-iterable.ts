import { context as contextApi } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { isPromiseLike } from "./is-promise-like.ts";
import { attempt } from "./report-failure.ts";
import type { StreamBranch } from "./stream-lifetime.ts";
import { viewOf } from "./view.ts";
import type { Method } from "./view.ts";

/** Who watches an iterable, and where its code runs. */
export interface IterableWatch {
  readonly context: Context;
  readonly branch: StreamBranch;

  /** Sees what the iterable's other methods give, and returns what their caller gets. */
  readonly onResult: (result: unknown) => unknown;
}

/**
 * A view on an iterable (an async iterable, an async generator or a generator): each step of its iteration runs in the
 * given context, and is told to the branch. Its other methods and members are its own, and work on the iterable itself.
 */
export function watchIterable<T extends object>(source: T, watch: IterableWatch): T {
  return viewOf(source, {
    instead: { ...watchedSteps(source, watch), ...watchedOpeners(source, watch) },
    call(method, args, { property, view }) {
      // The helpers of iterators (`map`, `take`, `using`) iterate what they are called on.
      const self = isGenericMethod(property, method) ? view : source;
      const result = contextApi.with(watch.context, () => Reflect.apply(method, self, args));
      return result === source ? view : watch.onResult(result);
    },
  });
}

/** Whether a value can be iterated by `for await` as a stream. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> & object {
  return typeof (value as Iterated | null | undefined)?.[Symbol.asyncIterator] === "function";
}

/** Whether a value is what a generator function gives: its code has not run yet, or not to its end. */
export function isGenerator(value: unknown): value is Generator {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

/** An iterator, or something that gives one, whether its steps give results or promises of them. */
interface Iterated {
  readonly next?: Method;
  readonly return?: Method;
  readonly throw?: Method;
  readonly [Symbol.iterator]?: Method;
  readonly [Symbol.asyncIterator]?: Method;
}

type Methods = Readonly<Record<PropertyKey, Method>>;

/** As long as an iterator is used, so is what it came from. */
const sources = new WeakMap<object, object>();

const asyncGenerators = Object.getPrototypeOf(async function* () {}) as { prototype: object };
const GENERIC_PROTOTYPES: readonly object[] = [
  Iterator.prototype,
  Object.getPrototypeOf(asyncGenerators.prototype) as object,
];

function isGenericMethod(property: PropertyKey, method: Method): boolean {
  return GENERIC_PROTOTYPES.some((prototype) => Reflect.get(prototype, property) === method);
}

/** The methods that give an iterator: the view itself, where the source is its own iterator. */
function watchedOpeners(source: Iterated, watch: IterableWatch): Methods {
  const symbols = [Symbol.iterator, Symbol.asyncIterator] as const;
  const openers = symbols.flatMap((symbol) => {
    const open = source[symbol];
    if (!isFunction(open)) return [];
    const opener: Method = function (this: unknown) {
      const iterator = contextApi.with(watch.context, () => Reflect.apply(open, source, []));
      if (iterator === source || !isObject(iterator)) return this;
      const watched: object = { ...watchedSteps(iterator, watch), [symbol]: () => watched };
      sources.set(watched, this as object);
      return watched;
    };
    return [[symbol, opener] as const];
  });
  return Object.fromEntries(openers);
}

function watchedSteps(iterator: Iterated, watch: IterableWatch): Methods {
  const { next, return: leave, throw: raise } = iterator;
  const { branch } = watch;
  const step =
    (method: Method, atTheEnd: () => void): Method =>
    (...args) => {
      branch.waiting();
      return settle(iterator, method, args, watch, (result) => {
        // The `next` of a database's cursor gives rows instead.
        if (!isObject(result) || !("done" in result)) branch.chunk(result);
        else if (result.done === true) atTheEnd();
        else branch.chunk((result as { value?: unknown }).value);
      });
    };
  return {
    ...(isFunction(next) && { next: step(next, branch.done) }),
    ...(isFunction(raise) && { throw: step(raise, branch.done) }),
    ...(isFunction(leave) && { return: step(leave, () => branch.left("cancelled")) }),
  };
}

/** Makes a step, and tells how it went: at once or, if it gives a promise, when that settles. */
function settle(
  iterator: Iterated,
  method: Method,
  args: unknown[],
  { context, branch }: IterableWatch,
  observe: (result: unknown) => void,
): unknown {
  const observed = (result: unknown): unknown => {
    attempt("a step of an iteration could not be recorded", () => observe(result));
    return result;
  };
  let result: unknown;
  try {
    result = contextApi.with(context, () => Reflect.apply(method, iterator, args));
  } catch (error) {
    branch.failed(error);
    throw error;
  }
  if (!isPromiseLike(result)) return observed(result);
  return Promise.resolve(result).then(observed, (error: unknown) => {
    branch.failed(error);
    throw error;
  });
}

function isFunction(value: unknown): value is Method {
  return typeof value === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
