import { attempt, tapStream } from "@waybill/core";

import type { Operation } from "./operation.ts";

/**
 * Who reads a result's streams, and so when its operation is over.
 *
 * Each stream that the result hands out is a branch. The operation is over when one of them reached its end or failed,
 * as the AI SDK ends them together; and it is cancelled when nobody reads it any more: all branches were cancelled, or
 * the request's client left and no branch waits for a chunk. A running tool, or the AI SDK's own draining for one of
 * the result's promises, keeps it open.
 */
export class StreamConsumption {
  readonly #operation: Operation;
  #handedOut = 0;
  #cancelled = 0;
  #reading = 0;
  #draining = false;
  #clientLeft = false;

  constructor(operation: Operation) {
    this.#operation = operation;
    operation.onToolsDone = () => this.#checkSoon();
    operation.span.onClientLeft(() => {
      this.#clientLeft = true;
      this.#check();
    });
    this.#followSignal(operation.signal);
  }

  /** Runs a getter or a method of the result inside the operation. */
  run<T>(fn: () => T): T {
    return this.#operation.span.run(fn);
  }

  /** A stream that is handed out to the application, watched. */
  branch<T>(source: ReadableStream<T>): ReadableStream<T> {
    const { context } = this.#operation.span;
    let waiting = false;
    const reading = (now: boolean): void => {
      if (waiting === now) return;
      waiting = now;
      this.#reading += now ? 1 : -1;
    };
    const branch = tapStream(
      observed(source, () => reading(true)),
      {
        context,
        onChunk: () => {
          reading(false);
          if (this.#clientLeft) this.#checkSoon();
        },
        onDone: () => {
          reading(false);
          this.#operation.finish();
        },
        onError: (error) => {
          reading(false);
          this.#operation.fail(error);
        },
        onCancel: () => {
          reading(false);
          this.branchCancelled();
        },
      },
    );
    this.branchHandedOut();
    // The AI SDK gives its streams an iterator of their own, which works on the stream it is called on.
    const iterator = Object.getOwnPropertyDescriptor(source, Symbol.asyncIterator);
    if (iterator !== undefined) Object.defineProperty(branch, Symbol.asyncIterator, iterator);
    return branch;
  }

  branchHandedOut(): void {
    this.#handedOut += 1;
  }

  branchCancelled(): void {
    this.#cancelled += 1;
    this.#checkSoon();
  }

  branchDone(): void {
    this.#operation.finish();
  }

  /**
   * The AI SDK drains the whole stream now, because one of the result's promises was read.
   *
   * @param open Gives a branch on which the end can be seen.
   */
  drained(open: () => unknown): void {
    if (this.#draining || this.#operation.span.ended) return;
    this.#draining = true;
    const stream = attempt("a stream's end cannot be seen", () => this.run(open));
    if (stream instanceof ReadableStream) void this.#readToEnd(stream);
  }

  async #readToEnd(stream: ReadableStream<unknown>): Promise<void> {
    try {
      const reader = stream.getReader();
      while (!(await this.run(() => reader.read())).done);
      this.#operation.finish();
    } catch (error) {
      this.#operation.fail(error);
    }
  }

  /** The AI SDK tells of an abort only when its stream is read. */
  #followSignal(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const abort = (): void => this.#soon(() => this.#operation.abort(signal.reason));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    this.#operation.onEnded = () => signal.removeEventListener("abort", abort);
  }

  #checkSoon(): void {
    this.#soon(() => this.#check());
  }

  /** Once the application had the chance to go on: to read the next chunk, to open another branch. */
  #soon(act: () => void): void {
    if (this.#operation.span.ended) return;
    setTimeout(() => attempt("the end of a stream could not be recorded", act), 0);
  }

  #check(): void {
    if (this.#draining || this.#operation.runsTools) return;
    const allCancelled = this.#handedOut > 0 && this.#cancelled === this.#handedOut;
    if (allCancelled || (this.#clientLeft && this.#reading === 0)) this.#operation.cancel();
  }
}

/** A source for `tapStream` that tells when its reader asks for the next chunk. */
function observed<T>(source: ReadableStream<T>, onRead: () => void): ReadableStream<T> {
  const reader = source.getReader();
  const watched = {
    read: () => {
      onRead();
      return reader.read();
    },
    cancel: (reason: unknown) => reader.cancel(reason),
  };
  return { getReader: () => watched } as unknown as ReadableStream<T>;
}
