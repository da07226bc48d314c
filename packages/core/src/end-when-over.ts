import { isPromiseLike } from "./is-promise-like.ts";
import { attempt } from "./report-failure.ts";
import type { SpanHandle } from "./span-handle.ts";
import { StreamLifetime } from "./stream-lifetime.ts";
import { isAsyncIterable, isGenerator } from "./watch-iterable.ts";

/**
 * Runs `fn` inside the span and ends the span when what `fn` gives is over: a plain value at once, a promise when it
 * settles, a stream, an async iterable or a generator when it was read to its end, failed or was left.
 *
 * Results and errors pass through: promises and values as they are, streams and iterables as views that give the same.
 *
 * @param onValue Sees a plain value, returned or resolved, before the span ends.
 */
export function runAndEnd<H extends SpanHandle, T>(
  handle: H,
  fn: (span: H) => T,
  onValue?: OnValue,
): T {
  if (!handle.watched) {
    try {
      return handle.run(() => fn(handle));
    } finally {
      handle.end();
    }
  }
  let result: T;
  try {
    result = handle.run(() => fn(handle));
  } catch (error) {
    handle.fail(error);
    throw error;
  }
  return endWhenOver(handle, result, onValue) as T;
}

type OnValue = (value: unknown) => void;

function endWhenOver(handle: SpanHandle, result: unknown, onValue?: OnValue): unknown {
  if (typeof result === "object" && result !== null) {
    const followed = attempt("the result of an operation could not be followed", () =>
      isPromiseLike(result) ? endWhenSettled(handle, result, onValue) : follow(handle, result),
    );
    if (followed !== undefined) return followed;
  }
  if (onValue) attempt("the result of an operation could not be recorded", () => onValue(result));
  handle.end();
  return result;
}

function endWhenSettled(
  handle: SpanHandle,
  promise: PromiseLike<unknown> & object,
  onValue: OnValue | undefined,
): unknown {
  handle.keepOpen();
  const isNative = promise.constructor === Promise;
  const settled = (): Promise<unknown> =>
    handle.run(() =>
      (isNative ? (promise as Promise<unknown>) : adopted(promise)).then(
        (value) => endWhenOver(handle, value, onValue),
        (error: unknown) => {
          handle.fail(error);
          throw error;
        },
      ),
    );
  return isNative ? settled() : promiseView(handle, promise, settled);
}

/** A promise's own promise. What its `then` returns need not be one. */
function adopted(promise: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
  });
}

/**
 * A promise with methods of its own, such as the clients of model providers and databases give. It is awaited when its
 * user awaits it, and as often: a query that runs when it is awaited must not run for us.
 */
function promiseView(
  handle: SpanHandle,
  promise: PromiseLike<unknown> & object,
  settled: () => Promise<unknown>,
): unknown {
  let isAwaited = false;
  const view: object = new Proxy(promise, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function" || property === "constructor") return value;
      const isAwaiting = property === "then" || property === "catch" || property === "finally";
      return (...args: unknown[]) => {
        if (isAwaiting && !isAwaited) {
          isAwaited = true;
          const first = settled();
          return Reflect.apply(first[property] as Function, first, args) as unknown;
        }
        const result: unknown = handle.run(() => Reflect.apply(value, target, args) as unknown);
        if (result === target) return view;
        const isItsOwn = !isAwaiting && result instanceof Promise;
        return isItsOwn ? endWhenSettled(handle, result, undefined) : result;
      };
    },
  });
  return view;
}

/** What its user gets in place of a stream; nothing, if the result is none. */
function follow(handle: SpanHandle, result: object): object | undefined {
  if (result instanceof ReadableStream) return lifetime(handle).readable(result);
  if (isNodeStream(result)) {
    followNodeStream(handle, result);
    return result;
  }
  return isAsyncIterable(result) || isGenerator(result)
    ? lifetime(handle).iterable(result)
    : undefined;
}

function lifetime(handle: SpanHandle): StreamLifetime {
  return new StreamLifetime(handle.keepOpen(), {
    onChunk: () => handle.onChunk(),
    signal: handle.signal,
  });
}

/** What is read of a stream of Node's. */
interface NodeStream {
  readonly pipe: unknown;
  readonly errored?: Error | null;
  readonly readableEnded: boolean;
  readonly once: (event: "close", listener: () => void) => unknown;
}

function isNodeStream(value: object): value is NodeStream {
  const { pipe, once, readableEnded } = value as Partial<NodeStream>;
  return (
    typeof pipe === "function" && typeof once === "function" && typeof readableEnded === "boolean"
  );
}

/** A stream of Node's stays as it is: it tells of its end itself. */
function followNodeStream(handle: SpanHandle, stream: NodeStream): void {
  const branch = lifetime(handle).branch();
  // It flows by itself: whoever reads it need not ask.
  branch.waiting();
  stream.once("close", () => {
    if (stream.errored) branch.failed(stream.errored);
    else if (stream.readableEnded) branch.done();
    else branch.left("cancelled");
  });
}
