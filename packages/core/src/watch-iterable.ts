import { context as contextApi } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { isPromiseLike } from "./is-promise-like.ts";
import type { StreamBranch } from "./stream-lifetime.ts";

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
  const steps = watchedMethods(source, watch);
  const view: T = new Proxy(source, {
    get(target, property) {
      if (Object.hasOwn(steps, property)) return steps[property];
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function" || property === "constructor") return value;
      // The helpers of iterators (`map`, `take`) iterate what they are called on.
      const self = isIteratorHelper(property, value) ? view : target;
      return (...args: unknown[]) => {
        const result = contextApi.with(watch.context, () =>
          Reflect.apply(value as Method, self, args),
        );
        return result === target ? view : watch.onResult(result);
      };
    },
  });
  return view;
}

/** Whether a value can be iterated by `for await` and only so: it is no synchronous iterable. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> & object {
  return typeof (value as Iterated | null | undefined)?.[Symbol.asyncIterator] === "function";
}

function isIteratorHelper(property: PropertyKey, method: Function): boolean {
  return Reflect.get(Iterator.prototype, property) === method;
}

/** Whether a value is what a generator function gives: its code has not run yet, or not to its end. */
export function isGenerator(value: unknown): value is Generator {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Step = (...args: unknown[]) => unknown;

/** An iterator, or something that gives one, whether its steps give results or promises of them. */
interface Iterated {
  readonly next?: Method;
  readonly return?: Method;
  readonly throw?: Method;
  readonly [Symbol.iterator]?: Method;
  readonly [Symbol.asyncIterator]?: Method;
}

type Steps = Readonly<Record<PropertyKey, Method>>;

function watchedMethods(source: Iterated, watch: IterableWatch): Steps {
  if (typeof source.next === "function") {
    // An iterator is its own iterable: what it gives there is the view itself.
    return { ...watchedSteps(source, watch), ...iterableMethods(source, (view) => view) };
  }
  return iterableMethods(source, (_view, open) => {
    const iterator = contextApi.with(watch.context, () =>
      Reflect.apply(open, source, []),
    ) as Iterated;
    const steps = watchedSteps(iterator, watch);
    return { ...steps, ...iterableMethods(iterator, (self) => self) };
  });
}

function iterableMethods(source: Iterated, give: (self: unknown, open: Method) => unknown): Steps {
  const symbols = [Symbol.iterator, Symbol.asyncIterator] as const;
  const methods = symbols.flatMap((symbol) => {
    const open = source[symbol];
    if (open === undefined) return [];
    return [
      [
        symbol,
        function (this: unknown) {
          return give(this, open);
        },
      ] as const,
    ];
  });
  return Object.fromEntries(methods);
}

function watchedSteps(iterator: Iterated, watch: IterableWatch): Steps {
  const { next, return: leave, throw: raise } = iterator;
  const { branch } = watch;
  const step =
    (method: Method, atTheEnd: () => void): Step =>
    (...args) => {
      branch.waiting();
      return settle(iterator, method, args, watch, (result) => {
        if ((result as IteratorResult<unknown>).done === true) atTheEnd();
        else branch.chunk((result as IteratorResult<unknown>).value);
      });
    };
  return {
    ...(next && { next: step(next, branch.done) }),
    ...(raise && { throw: step(raise, branch.done) }),
    ...(leave && { return: step(leave, () => branch.left("cancelled")) }),
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
  try {
    const result = contextApi.with(context, () => Reflect.apply(method, iterator, args));
    if (!isPromiseLike(result)) {
      observe(result);
      return result;
    }
    return result.then(
      (value) => {
        observe(value);
        return value;
      },
      (error: unknown) => {
        branch.failed(error);
        throw error;
      },
    );
  } catch (error) {
    branch.failed(error);
    throw error;
  }
}
