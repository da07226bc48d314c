import type { Context } from "@opentelemetry/api";

import type { Outcome } from "./open-operation.ts";
import { attempt } from "./report-failure.ts";
import { tapStream } from "./tap-stream.ts";
import { isAsyncIterable, watchIterable } from "./watch-iterable.ts";

/** An operation that lasts as long as somebody reads what it gives. A `SpanHandle` is one. */
export interface StreamedOperation {
  /** The context in which the producers of the streams run. */
  readonly context: Context;
  readonly ended: boolean;

  /** Ends the operation as a success, or with this outcome. */
  end(outcome?: Outcome): void;
  fail(error: unknown): void;

  /** Something happened: the operation is still at work. */
  touch(): void;

  /** Calls `listener` when the client of the operation's request leaves. */
  onClientLeft(listener: () => void): void;

  /** Calls `listener` when the operation has ended, by whatever. The listener must not refer to the operation. */
  onEnded(listener: () => void): void;
}

/** How a streamed operation is followed. */
export interface StreamLifetimeOptions {
  /** Called for each chunk that any reader gets. */
  readonly onChunk?: (chunk: unknown) => void;

  /** A signal that ends the operation as aborted (as failed, if by a timeout), also if its streams do not follow it. */
  readonly signal?: AbortSignal | undefined;

  /**
   * Whether the operation is at work for something other than its readers. While it is, it is not cancelled; call
   * {@link StreamLifetime.recheck} when it no longer is.
   *
   * @default never
   */
  readonly isBusy?: () => boolean;

  /**
   * Whether another branch may be opened after all of those that were open have been cancelled. The application then
   * gets the chance to do so, until the next macrotask.
   *
   * @default false
   */
  readonly mayReopen?: boolean;
}

/** One reader of an operation's result. Only the first of `done`, `failed` and `left` counts. */
export interface StreamBranch {
  /** The reader asks for more, and waits. */
  readonly waiting: () => void;

  /** The reader got a chunk. */
  readonly chunk: (chunk: unknown) => void;

  /** The reader got all. */
  readonly done: () => void;
  readonly failed: (error: unknown) => void;

  /** The reader went away: it cancelled, or was collected as garbage. */
  readonly left: (how: "cancelled" | "abandoned") => void;
}

/**
 * Holds an operation open while its streams are read, and ends it once:
 *
 * - as a success when a reader reached the end (the branches of a stream end together), as failed when a stream failed;
 * - as `cancelled` when nobody reads any more: all branches were cancelled, or the request's client left and no branch was
 *   ever read, or asked for a chunk within a second;
 * - as `abandoned` when all branches were collected as garbage before their end;
 * - as aborted by its signal.
 *
 * Readers see what they would see without it: chunks, errors, order and back-pressure are those of the source.
 */
export class StreamLifetime {
  readonly #operation: StreamedOperation;
  readonly #options: StreamLifetimeOptions;
  #open = 0;
  #waiting = 0;
  #wasRead = false;
  #wasCancelled = false;
  #quietTimer: unknown;

  constructor(operation: StreamedOperation, options: StreamLifetimeOptions = {}) {
    this.#operation = operation;
    this.#options = options;
    operation.onClientLeft(() => {
      if (this.#wasRead) this.#cancelWhenQuiet();
      else this.#cancelUnread();
    });
    if (options.signal !== undefined) this.#followSignal(options.signal);
  }

  /** A stream that gives what `source` gives. `source` is locked by it. */
  readable<T>(source: ReadableStream<T>): ReadableStream<T> {
    const branch = this.branch();
    const stream = tapStream(source, {
      context: this.#operation.context,
      onPull: branch.waiting,
      onChunk: branch.chunk,
      onDone: branch.done,
      onError: branch.failed,
      onCancel: () => branch.left("cancelled"),
    });
    dress(stream, source);
    collectedReaders.register(stream, branch, branch);
    return stream;
  }

  /**
   * A view on an iterable whose code runs in the operation's context. All else that it has is its own; streams and
   * iterables that its methods give (`tee()`) are branches, too.
   */
  iterable<T extends object>(source: T): T {
    const branch = this.branch();
    const view = watchIterable(source, {
      context: this.#operation.context,
      branch,
      onResult: (result) => this.#branches(result),
    });
    collectedReaders.register(view, branch, branch);
    return view;
  }

  /** A reader that has to tell by itself what it does. */
  branch(): StreamBranch {
    let isOver = false;
    let isWaiting = false;
    const wait = (now: boolean): void => {
      if (isWaiting === now) return;
      isWaiting = now;
      this.#waiting += now ? 1 : -1;
    };
    const finish = (act: () => void): void => {
      wait(false);
      if (isOver) return;
      isOver = true;
      collectedReaders.unregister(branch);
      this.#open -= 1;
      attempt("the end of a stream could not be recorded", act);
    };
    this.#open += 1;
    const branch: StreamBranch = {
      waiting: () => {
        this.#wasRead = true;
        wait(true);
      },
      chunk: (chunk) => {
        wait(false);
        this.#operation.touch();
        this.#options.onChunk?.(chunk);
        if (this.#quietTimer !== undefined) this.#cancelWhenQuiet();
      },
      done: () => finish(() => this.#operation.end()),
      failed: (error) => finish(() => this.#operation.fail(error)),
      left: (how) =>
        finish(() => {
          this.#wasCancelled ||= how === "cancelled";
          if (this.#options.mayReopen === true) this.recheck();
          else this.#check();
        }),
    };
    return branch;
  }

  /** Looks again whether anybody reads, in the next macrotask: the application can go on before that. */
  recheck(): void {
    if (this.#operation.ended) return;
    setTimeout(() => attempt("the end of a stream could not be recorded", () => this.#check()), 0);
  }

  #check(): void {
    if (this.#operation.ended || this.#options.isBusy?.() === true || this.#open > 0) return;
    this.#operation.end(this.#wasCancelled ? "cancelled" : "abandoned");
  }

  #cancelUnread(): void {
    if (!this.#operation.ended && this.#options.isBusy?.() !== true && this.#waiting === 0) {
      this.#operation.end("cancelled");
    }
  }

  /** A reader that is busy with a chunk may go on reading though the client has left: to its end, if it likes. */
  #cancelWhenQuiet(): void {
    clearTimeout(this.#quietTimer as ReturnType<typeof setTimeout>);
    this.#quietTimer = setTimeout(
      () => attempt("the end of a stream could not be recorded", () => this.#cancelUnread()),
      QUIET_MS,
    );
    (this.#quietTimer as { unref?: () => void }).unref?.();
  }

  /** A stream often tells of its signal only when it is read. */
  #followSignal(signal: AbortSignal): void {
    // The signal may outlive the operation by far, and must not keep it.
    const operation = new WeakRef(this.#operation);
    const abort = (): void => {
      setTimeout(() => operation.deref()?.fail(signal.reason), 0);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    this.#operation.onEnded(() => signal.removeEventListener("abort", abort));
  }

  #branches(result: unknown): unknown {
    if (Array.isArray(result)) {
      return result.some(isStream) ? result.map((part) => this.#branches(part)) : result;
    }
    if (result instanceof ReadableStream) return this.readable(result);
    return isAsyncIterable(result) ? this.iterable(result) : result;
  }
}

/**
 * A stream may be of a class of its own, or have members of its own (an iterator, often): they work on the stream that
 * they are called on. Under other symbols a runtime keeps the stream's state.
 */
function dress(stream: ReadableStream, source: ReadableStream): void {
  const prototype = Object.getPrototypeOf(source) as object | null;
  if (prototype !== ReadableStream.prototype) Object.setPrototypeOf(stream, prototype);
  for (const name of [...Object.getOwnPropertyNames(source), Symbol.asyncIterator]) {
    const descriptor = Object.getOwnPropertyDescriptor(source, name);
    if (descriptor !== undefined) Object.defineProperty(stream, name, descriptor);
  }
}

const QUIET_MS = 1000;

const collectedReaders = new FinalizationRegistry<StreamBranch>((branch) =>
  branch.left("abandoned"),
);

function isStream(value: unknown): boolean {
  return value instanceof ReadableStream || isAsyncIterable(value);
}
