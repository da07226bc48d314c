import { SpanStatusCode } from "@opentelemetry/api";
import { flushOpen } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { EVERY_OPERATION } from "./every-operation.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

const error = Object.assign(new Error("no such order"), { code: "not_found" });

/** How the one span ended. */
function ending(): { tree: string; status: object; events: string[]; outcome: unknown } {
  const [span] = recording.spans();
  return {
    tree: spanTree(recording.spans()),
    status: span?.status ?? {},
    events: span?.events.map(({ name }) => name) ?? [],
    outcome: span?.attributes["waybill.outcome"],
  };
}

function chunks(...values: readonly string[]): ReadableStream<string> {
  return new ReadableStream({
    pull(controller) {
      const [next, ...rest] = values;
      values = rest;
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
  });
}

async function* generated(): AsyncGenerator<string> {
  yield "a";
  yield "b";
}

describe.each(EVERY_OPERATION)("%s", (name, operation) => {
  const SUCCESS = {
    tree: `\n${name}\n`,
    status: { code: SpanStatusCode.UNSET },
    events: [],
    outcome: undefined,
  };
  const FAILURE = {
    tree: `\n${name} error: not_found\n`,
    status: { code: SpanStatusCode.ERROR, message: "no such order" },
    events: ["exception"],
    outcome: "error",
  };
  const stoppedAs = (outcome: string) => ({
    tree: `\n${name} ${outcome}\n`,
    status: { code: SpanStatusCode.UNSET },
    events: [],
    outcome,
  });

  it("ends as a success when its promise has resolved, and not before", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const result = operation({}, () => promise);
    expect(recording.open()).toBe(1);

    resolve("done");

    await expect(result).resolves.toBe("done");
    expect(ending()).toEqual(SUCCESS);
  });

  it("ends as failed by what it throws, and throws the same on", () => {
    let caught: unknown;
    try {
      operation({}, () => {
        throw error;
      });
    } catch (thrown) {
      caught = thrown;
    }

    expect(caught).toBe(error);
    expect(ending()).toEqual(FAILURE);
  });

  it("ends as failed when its promise rejects, and rejects with the same", async () => {
    const result = operation({}, async () => {
      throw error;
    });

    await expect(result).rejects.toBe(error);
    expect(ending()).toEqual(FAILURE);
  });

  it("ends as aborted when its signal aborted it", async () => {
    const controller = new AbortController();
    const result = operation({ signal: controller.signal }, async () => {
      await Promise.resolve();
      controller.signal.throwIfAborted();
    });

    controller.abort();

    await expect(result).rejects.toBe(controller.signal.reason);
    expect(ending()).toEqual(stoppedAs("aborted"));
  });

  it("ends as failed by a timeout", async () => {
    const timeout = new DOMException("too late", "TimeoutError");
    const signal = AbortSignal.abort(timeout);

    const result = operation({ signal }, async () => signal.throwIfAborted());

    await expect(result).rejects.toBe(timeout);
    expect(ending()).toMatchObject({
      tree: `\n${name} error: TimeoutError\n`,
      status: { code: SpanStatusCode.ERROR, message: "too late" },
    });
  });

  it("ends when its stream was read to its end", async () => {
    const stream = operation({}, () => chunks("a", "b"));
    expect(recording.open()).toBe(1);

    const read = await Array.fromAsync(stream);

    expect(read).toEqual(["a", "b"]);
    expect(ending()).toEqual(SUCCESS);
  });

  it("ends as failed when its stream fails", async () => {
    const stream = await operation(
      {},
      async () =>
        new ReadableStream({
          pull() {
            throw error;
          },
        }),
    );

    await expect(Array.fromAsync(stream)).rejects.toBe(error);
    expect(ending()).toEqual(FAILURE);
  });

  it("ends as cancelled when its stream's reader goes away", async () => {
    const stream = operation({}, () => chunks("a", "b"));

    for await (const chunk of stream) {
      expect(chunk).toBe("a");
      break;
    }

    expect(ending()).toEqual(stoppedAs("cancelled"));
  });

  it("ends when its async generator was iterated to its end, or left", async () => {
    const read = await Array.fromAsync(operation({}, generated));
    expect(read).toEqual(["a", "b"]);
    expect(ending()).toEqual(SUCCESS);

    const left = operation({}, generated);
    await left.next();
    await left.return(undefined);

    expect(spanTree(recording.spans())).toBe(`\n${name}\n${name} cancelled\n`);
  });

  it("ends as abandoned when everything is flushed", async () => {
    const result = operation({}, () => new Promise<void>(() => {}));

    expect(flushOpen()).toBe(1);
    expect(ending()).toEqual(stoppedAs("abandoned"));
    expect(result).toBeInstanceOf(Promise);
  });
});
