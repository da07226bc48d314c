import { isPromiseLike } from "./is-promise-like.ts";
import { attempt } from "./report-failure.ts";
import type { SpanHandle } from "./span-handle.ts";
import { StreamLifetime } from "./stream-lifetime.ts";
import { viewOf } from "./view.ts";
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
      isPromiseLike(result) ? followPromise(handle, result, onValue) : follow(handle, result),
    );
    if (followed !== undefined) return followed;
  }
  if (onValue) attempt("the result of an operation could not be recorded", () => onValue(result));
  handle.end();
  return result;
}

function followPromise(
  handle: SpanHandle,
  promise: PromiseLike<unknown> & object,
  onValue: OnValue | undefined,
): object {
  handle.keepOpen();
  const isPlain = promise.constructor === Promise && Object.keys(promise).length === 0;
  const settlement = new Settlement(handle, onValue);
  return isPlain
    ? (promise as Promise<unknown>).then(settlement.fulfilled, settlement.rejected)
    : promiseView(handle, promise, settlement);
}

/** The end of a promise, which may be awaited several times. */
class Settlement {
  readonly #handle: SpanHandle;
  readonly #onValue: OnValue | undefined;
  #value: unknown;
  #followed: unknown;

  constructor(handle: SpanHandle, onValue: OnValue | undefined) {
    this.#handle = handle;
    this.#onValue = onValue;
  }

  /** What whoever awaits gets for a value. */
  readonly fulfilled = (value: unknown): unknown => {
    if (!this.#handle.ended && this.#followed === undefined) {
      this.#value = value;
      this.#followed = endWhenOver(this.#handle, value, this.#onValue);
    }
    return value === this.#value ? this.#followed : value;
  };

  readonly rejected = (error: unknown): never => {
    this.#handle.fail(error);
    throw error;
  };
}

/**
 * A promise with methods of its own, such as the clients of model providers and databases give. It is awaited when its
 * user awaits it, and as often: a query that runs when it is awaited must not run for us.
 */
function promiseView(
  handle: SpanHandle,
  promise: PromiseLike<unknown> & object,
  { fulfilled, rejected }: Settlement,
): object {
  return viewOf(promise, {
    instead: {},
    call(method, args, { property, source, view }) {
      if (property === "then") {
        const [onFulfilled, onRejected] = args as (((value: unknown) => unknown) | undefined)[];
        const wrapped = [
          (value: unknown) => pass(onFulfilled, fulfilled(value)),
          (error: unknown) => {
            if (typeof onRejected !== "function") return rejected(error);
            handle.fail(error);
            return onRejected(error);
          },
        ];
        return handle.run(() => Reflect.apply(method, source, wrapped));
      }
      // These two of the language's own call `then` on what they are called on.
      const isGeneric = method === Promise.prototype.catch || method === Promise.prototype.finally;
      const self = isGeneric ? view : source;
      const result: unknown = handle.run(() => Reflect.apply(method, self, args));
      if (result === source) return view;
      if (isGeneric || typeof result !== "object" || result === null) return result;
      if (property === Symbol.asyncIterator) return follow(handle, result) ?? result;
      return result instanceof Promise ? followPromise(handle, result, undefined) : result;
    },
  });
}

function pass(next: ((value: unknown) => unknown) | undefined, value: unknown): unknown {
  return typeof next === "function" ? next(value) : value;
}

/** What its user gets in place of a stream; nothing, if the result is none, or one that is read already. */
function follow(handle: SpanHandle, result: object): object | undefined {
  if (result instanceof ReadableStream) {
    return result.locked ? undefined : lifetime(handle).readable(result);
  }
  if (isNodeStream(result)) return followNodeStream(handle, result);
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
  readonly closed?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: Error | null;
  readonly readableEnded: boolean;
  readonly once: (event: "close" | "end", listener: () => void) => unknown;
}

function isNodeStream(value: object): value is NodeStream {
  const { pipe, once, readableEnded } = value as Partial<NodeStream>;
  return (
    typeof pipe === "function" && typeof once === "function" && typeof readableEnded === "boolean"
  );
}

/** A stream of Node's stays as it is: it tells of its end itself. */
function followNodeStream(handle: SpanHandle, stream: NodeStream): NodeStream {
  const branch = lifetime(handle).branch();
  const over = (): void => {
    if (stream.errored) branch.failed(stream.errored);
    else if (stream.readableEnded) branch.done();
    else branch.left("cancelled");
  };
  // It flows by itself: whoever reads it need not ask.
  branch.waiting();
  if (stream.closed === true || stream.readableEnded) {
    over();
  } else {
    stream.once("end", branch.done);
    stream.once("close", over);
  }
  return stream;
}
