import { context as contextApi } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { attempt } from "./report-failure.ts";

/** Who listens to a stream, and where its producer runs. */
export interface StreamTap<T> {
  /** The context in which the stream's producer runs: pulled lazily, it would run in its reader's. */
  readonly context: Context;

  /** The reader asks for the next chunk. */
  readonly onPull?: () => void;

  readonly onChunk?: (chunk: T) => void;

  /** The stream was read to its end. */
  readonly onDone: () => void;

  /** The stream failed. The reader gets the same error. */
  readonly onError: (error: unknown) => void;

  /** The reader went away. */
  readonly onCancel: (reason: unknown) => void;
}

/**
 * A stream that gives what `source` gives, and tells `tap` about it: every chunk, and then exactly one of done, error
 * and cancel. Reads ahead of its reader by nothing. What `tap` throws is reported and changes nothing. A stream of bytes
 * stays one, which a BYOB reader can read.
 */
export function tapStream<T>(source: ReadableStream<T>, tap: StreamTap<T>): ReadableStream<T> {
  const isOfBytes = isByteStream(source);
  const reader = source.getReader();
  let over = false;
  const finish = (tell: () => void): void => {
    if (over) return;
    over = true;
    attempt("the end of a stream could not be recorded", tell);
  };

  return new ReadableStream<T>(
    {
      // Typed as that of a plain stream, because what a byte stream gives is typed as bytes.
      type: (isOfBytes ? "bytes" : undefined) as undefined,
      async pull(controller) {
        let result: Awaited<ReturnType<typeof reader.read>>;
        if (tap.onPull) attempt("a read could not be recorded", tap.onPull);
        try {
          result = await contextApi.with(tap.context, () => reader.read());
        } catch (error) {
          finish(() => tap.onError(error));
          controller.error(error);
          return;
        }
        if (result.done) {
          finish(tap.onDone);
          controller.close();
          // A BYOB reader that waits is not told of the end before its buffer is given back.
          (controller as Partial<ReadableByteStreamController>).byobRequest?.respond(0);
          return;
        }
        const { value } = result;
        if (tap.onChunk) attempt("a chunk could not be recorded", () => tap.onChunk?.(value));
        controller.enqueue(value);
      },
      cancel(reason) {
        finish(() => tap.onCancel(reason));
        return contextApi.with(tap.context, () => reader.cancel(reason));
      },
    },
    // Of a byte stream it is 0, and not every runtime lets that be said.
    isOfBytes ? undefined : { highWaterMark: 0 },
  );
}

function isByteStream(source: ReadableStream): boolean {
  try {
    source.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}
