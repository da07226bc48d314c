import { flushOpen, startSpan, traceLlmCall, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { collectGarbage } from "../support/collect-garbage.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const COUNT = 10_000;
const MAX_ROUNDS = 200;

let recording: Recording;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  recording = startRecording();
});
afterEach(async () => {
  vi.useRealTimers();
  await recording.stop();
});

/** Lets finalizers run, which they do between macrotasks, until all spans have ended or that has been tried often. */
async function collectUntilIdle(): Promise<void> {
  // Handles are watched when they have been open for a second.
  vi.advanceTimersByTime(1000);
  for (let round = 0; round < MAX_ROUNDS && recording.open() > 0; round += 1) {
    collectGarbage();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function outcomes(): Set<unknown> {
  return new Set(recording.spans().map(({ attributes }) => attributes["waybill.outcome"]));
}

const ABANDONED: readonly (readonly [string, () => unknown])[] = [
  ["spans that nobody ends", () => startSpan("lost")],
  ["promises that never settle", () => withSpan("pending", () => new Promise(() => {}))],
  ["streams that nobody reads", () => withSpan("unread", () => ReadableStream.from([1]))],
  ["generators that nobody starts", () => withSpan("unstarted", async function* () {})],
  [
    "model calls whose stream was left in the middle",
    () => {
      const stream = traceLlmCall(
        { provider: "openai", model: "gpt-5" },
        () => new ReadableStream({ pull: (controller) => controller.enqueue("x") }),
      );
      return stream.getReader().read();
    },
  ],
];

describe("10,000 abandoned operations", () => {
  it.each(ABANDONED)("leave nothing behind after garbage collection: %s", async (_title, open) => {
    for (let index = 0; index < COUNT; index += 1) open();
    await collectUntilIdle();

    expect(recording.open()).toBe(0);
    expect(outcomes()).toEqual(new Set(["abandoned"]));
    expect(recording.spans()).toHaveLength(COUNT);
    expect(flushOpen()).toBe(0);
  });

  it.each(ABANDONED)("are ended by flushOpen where nothing is collected: %s", (_title, open) => {
    const held = Array.from({ length: COUNT }, open);
    expect(recording.open()).toBe(COUNT);

    expect(flushOpen()).toBe(COUNT);
    expect(recording.open()).toBe(0);
    expect(outcomes()).toEqual(new Set(["abandoned"]));
    expect(recording.spans()).toHaveLength(COUNT);
    expect(held).toHaveLength(COUNT);
  });
});
