import { attempt } from "@waybill/core";

import { startOperation } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { StreamConsumption } from "./stream-consumption.ts";
import { tracedResult } from "./stream-result.ts";
import type { CallOptions, TracedCall, TraceSettings } from "./traced-call.ts";
import { tracedOptions } from "./traced-options.ts";

/** `streamText`, each call of which is an operation that ends when its result's streams are over or left. */
export function tracedStreamText(streamText: TracedCall, settings: TraceSettings): TracedCall {
  return (options) => {
    const operation = startOperation(options, settings);
    if (operation === undefined) return streamText(options);
    const { span } = operation;
    if (!span.recording) {
      span.end();
      return span.run(() => streamText(options));
    }

    span.keepOpen();
    const consumption = new StreamConsumption(operation);
    let result: unknown;
    try {
      const traced = withCallbacks(tracedOptions(options, operation), operation);
      result = span.run(() => streamText(traced));
    } catch (error) {
      operation.fail(error);
      throw error;
    }
    return (
      attempt("the result of `streamText` could not be traced", () =>
        tracedResult(result as object, consumption),
      ) ?? result
    );
  };
}

/** The callbacks by which the AI SDK tells how a stream ends. */
interface StreamCallbacks {
  readonly onFinish?: Callback;

  /** The name of `onFinish` since v7; where both are given, only this one is called. */
  readonly onEnd?: Callback;
  readonly onAbort?: Callback;
  readonly onChunk?: Callback;
}

type Callback = ((event: unknown) => unknown) | undefined;

/**
 * Adds ours to the application's callbacks, which are called as before. Never an `onError`: the AI SDK logs errors if
 * there is none, and retries if there is one.
 */
function withCallbacks(options: CallOptions & StreamCallbacks, operation: Operation): CallOptions {
  const { onFinish, onEnd, onAbort, onChunk, output } = options;
  const finish = (): void => operation.end();
  const abort = (event: unknown): void => operation.abort(abortReason(event, operation));
  // An end callback makes the AI SDK parse the output, which without one it does only when asked.
  const mayAddEnd = output === undefined || onFinish !== undefined;
  const callbacks: StreamCallbacks = {
    ...(mayAddEnd && { onFinish: followedBy(onFinish, finish) }),
    ...(onEnd !== undefined && { onEnd: followedBy(onEnd, finish) }),
    onAbort: followedBy(onAbort, abort),
    onChunk(event) {
      noteError(event, operation);
      return onChunk?.(event);
    },
  };
  return { ...options, ...callbacks };
}

/** The application's callback, after which ours is called. */
function followedBy(callback: Callback, then: (event: unknown) => void): Callback {
  return async (event) => {
    try {
      return await callback?.(event);
    } finally {
      attempt("the end of a stream could not be recorded", () => then(event));
    }
  };
}

function abortReason(event: unknown, { signal }: Operation): unknown {
  const { reason } = (event ?? {}) as { readonly reason?: unknown };
  return reason ?? signal?.reason ?? new DOMException("The operation was aborted.", "AbortError");
}

/** Since v7 all parts of the stream go through `onChunk`, also its errors. */
function noteError(event: unknown, operation: Operation): void {
  const { chunk } = event as {
    readonly chunk?: { readonly type?: unknown; readonly error?: unknown };
  };
  if (chunk?.type === "error") operation.sawError(chunk.error);
}
