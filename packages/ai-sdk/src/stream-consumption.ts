import { attempt, StreamLifetime } from "@waybill/core";
import type { StreamBranch } from "@waybill/core";

import type { Operation } from "./operation.ts";

/**
 * Who reads a result's streams, and so when its operation is over.
 *
 * Each stream that the result hands out is a branch of the operation's lifetime. A running tool, or the AI SDK's own
 * draining for one of the result's promises, keeps the operation open also when no branch is read.
 */
export class StreamConsumption {
  readonly #operation: Operation;
  readonly #lifetime: StreamLifetime;
  #isDraining = false;

  constructor(operation: Operation) {
    this.#operation = operation;
    this.#lifetime = new StreamLifetime(operation, {
      isBusy: () => this.#isDraining || operation.runsTools,
      mayReopen: true,
      signal: operation.signal,
    });
    operation.onToolsDone = () => this.#lifetime.recheck();
  }

  /** Runs a getter or a method of the result inside the operation. */
  run<T>(fn: () => T): T {
    return this.#operation.span.run(fn);
  }

  /** A stream that is handed out to the application, watched. */
  branch<T>(source: ReadableStream<T>): ReadableStream<T> {
    return this.#lifetime.readable(source);
  }

  /** A reader that tells by itself what it does. */
  openBranch(): StreamBranch {
    return this.#lifetime.branch();
  }

  /**
   * The AI SDK drains the whole stream now, because one of the result's promises was read.
   *
   * @param open Gives a branch on which the end can be seen.
   */
  drained(open: () => unknown): void {
    if (this.#isDraining || this.#operation.ended) return;
    this.#isDraining = true;
    const stream = attempt("a stream's end cannot be seen", () => this.run(open));
    if (stream instanceof ReadableStream) void this.#readToEnd(stream);
  }

  async #readToEnd(stream: ReadableStream<unknown>): Promise<void> {
    try {
      const reader = stream.getReader();
      while (!(await this.run(() => reader.read())).done);
      this.#operation.end();
    } catch (error) {
      this.#operation.fail(error);
    }
  }
}
