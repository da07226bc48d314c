import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { tapStream } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const KEY = createContextKey("who produces");

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

function listener() {
  return {
    onChunk: vi.fn(),
    onDone: vi.fn(),
    onError: vi.fn(),
    onCancel: vi.fn(),
    context: ROOT_CONTEXT,
  };
}

describe("tapStream", () => {
  it("gives every chunk and tells of the end once", async () => {
    const tap = listener();
    const stream = tapStream(ReadableStream.from(["a", "b"]), tap);

    expect(await Array.fromAsync(stream)).toEqual(["a", "b"]);
    expect(tap.onChunk.mock.calls).toEqual([["a"], ["b"]]);
    expect(tap.onDone).toHaveBeenCalledTimes(1);
    expect(tap.onError).not.toHaveBeenCalled();
    expect(tap.onCancel).not.toHaveBeenCalled();
  });

  it("passes the same error on", async () => {
    const tap = listener();
    const error = new Error("broken");
    async function* chunks() {
      yield "a";
      throw error;
    }

    await expect(Array.fromAsync(tapStream(ReadableStream.from(chunks()), tap))).rejects.toBe(
      error,
    );
    expect(tap.onError.mock.calls).toEqual([[error]]);
    expect(tap.onDone).not.toHaveBeenCalled();
  });

  it("cancels the source with the reader's reason", async () => {
    const tap = listener();
    const cancelled = vi.fn();
    const source = new ReadableStream({
      pull: (controller) => controller.enqueue("x"),
      cancel: cancelled,
    });
    const reader = tapStream(source, tap).getReader();
    await reader.read();

    await reader.cancel("enough");

    expect(cancelled).toHaveBeenCalledWith("enough");
    expect(tap.onCancel.mock.calls).toEqual([["enough"]]);
    expect(tap.onDone).not.toHaveBeenCalled();
  });

  it("reads nothing before its reader does", async () => {
    let pulled = 0;
    const source = new ReadableStream(
      { pull: (controller) => controller.enqueue((pulled += 1)) },
      { highWaterMark: 0 },
    );
    const stream = tapStream(source, listener());
    await Promise.resolve();
    const before = pulled;

    await stream.getReader().read();

    expect([before, pulled]).toEqual([0, 1]);
  });

  it("runs the producer in the given context, whoever reads", async () => {
    const seen: unknown[] = [];
    async function* chunks() {
      seen.push(context.active().getValue(KEY));
      yield 1;
      seen.push(context.active().getValue(KEY));
    }
    const stream = tapStream(ReadableStream.from(chunks()), {
      ...listener(),
      context: ROOT_CONTEXT.setValue(KEY, "the request"),
    });

    await context.with(ROOT_CONTEXT.setValue(KEY, "the server"), () => Array.fromAsync(stream));

    expect(seen).toEqual(["the request", "the request"]);
  });

  it("is not disturbed by a listener that throws", async () => {
    const throwing = () => {
      throw new Error("ours");
    };
    const stream = tapStream(ReadableStream.from([1, 2]), {
      context: ROOT_CONTEXT,
      onChunk: throwing,
      onDone: throwing,
      onError: throwing,
      onCancel: throwing,
    });

    expect(await Array.fromAsync(stream)).toEqual([1, 2]);
  });

  describe("of a byte stream", () => {
    const bytes = (...values: number[]) => new Uint8Array(values);

    /** A stream that gives these chunks, one whenever it is asked. */
    function byteStream(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
      const left = [...chunks];
      return new ReadableStream({
        type: "bytes",
        pull(controller) {
          const chunk = left.shift();
          if (chunk !== undefined) return controller.enqueue(chunk);
          controller.close();
          controller.byobRequest?.respond(0);
          return undefined;
        },
      });
    }

    it("gives the bytes to a reader that brings its own buffer, and tells of the end once", async () => {
      const tap = listener();
      const reader = tapStream(byteStream(bytes(1, 2, 3), bytes(4)), tap).getReader({
        mode: "byob",
      });

      const reads = [];
      for (let read = 0; read < 4; read += 1) {
        const { done, value } = await reader.read(new Uint8Array(2));
        reads.push([done, [...(value ?? [])]]);
      }

      expect(reads).toEqual([
        [false, [1, 2]],
        [false, [3]],
        [false, [4]],
        [true, []],
      ]);
      expect(tap.onChunk).toHaveBeenCalledTimes(2);
      expect(tap.onDone).toHaveBeenCalledTimes(1);
    });

    it("gives the same chunks to any other reader", async () => {
      const tap = listener();
      const stream = tapStream(byteStream(bytes(1, 2), bytes(3)), tap);

      expect(await Array.fromAsync(stream)).toEqual([bytes(1, 2), bytes(3)]);
      expect(tap.onDone).toHaveBeenCalledTimes(1);
    });

    it("tells of each chunk while it can be read", async () => {
      const seen: number[][] = [];
      const stream = tapStream(byteStream(bytes(1, 2), bytes(3)), {
        ...listener(),
        onChunk: (chunk) => seen.push([...chunk]),
      });

      await Array.fromAsync(stream);

      expect(seen).toEqual([[1, 2], [3]]);
    });

    it("passes the same error on to a reader that waits with its own buffer", async () => {
      const tap = listener();
      const error = new Error("broken");
      const source = new ReadableStream({
        type: "bytes",
        pull() {
          throw error;
        },
      });
      const reader = tapStream(source, tap).getReader({ mode: "byob" });

      await expect(reader.read(new Uint8Array(2))).rejects.toBe(error);
      expect(tap.onError.mock.calls).toEqual([[error]]);
    });

    it("cancels the source with the reader's reason", async () => {
      const tap = listener();
      const cancelled = vi.fn();
      const source = new ReadableStream({
        type: "bytes",
        pull: (controller) => controller.enqueue(bytes(1)),
        cancel: cancelled,
      });
      const reader = tapStream(source, tap).getReader({ mode: "byob" });
      await reader.read(new Uint8Array(1));

      await reader.cancel("enough");

      expect(cancelled).toHaveBeenCalledWith("enough");
      expect(tap.onCancel.mock.calls).toEqual([["enough"]]);
    });

    it("reads nothing before its reader does", async () => {
      let pulled = 0;
      const source = new ReadableStream({
        type: "bytes",
        pull(controller) {
          pulled += 1;
          controller.enqueue(bytes(pulled));
        },
      });
      const stream = tapStream(source, listener());
      await Promise.resolve();
      const before = pulled;

      await stream.getReader({ mode: "byob" }).read(new Uint8Array(1));

      expect([before, pulled]).toEqual([0, 1]);
    });

    it("leaves a plain stream of bytes the plain stream that it is", () => {
      const stream = tapStream(ReadableStream.from([bytes(1)]), listener());

      expect(() => stream.getReader({ mode: "byob" })).toThrow(TypeError);
      expect(stream.locked).toBe(false);
    });
  });
});
