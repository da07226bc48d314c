import { context } from "@opentelemetry/api";
import {
  configureWaybill,
  currentIdentity,
  detach,
  flushOpen,
  setIdentity,
  startSpan,
  traceToolCall,
  withSpan,
} from "@waybill/core";
import type { SpanHandle } from "@waybill/core";
import type { RequestSpan } from "@waybill/core/http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { startRequestSpan } from "../support/request-span.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

const GRACE_MS = 1000;

let recording: Recording;
let request: RequestSpan<undefined>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  configureWaybill({ graceMs: GRACE_MS });
  recording = startRecording();
  request = startRequestSpan();
});
afterEach(async () => {
  configureWaybill({ graceMs: 60_000 });
  vi.useRealTimers();
  await recording.stop();
});

function inRequest<T>(fn: () => T): T {
  return context.with(request.context, fn);
}

function clientLeaves(): void {
  request.end({ statusCode: 200, clientLeft: true, eventStream: true });
}

function completes(): void {
  request.end({ statusCode: 200 });
}

describe("an operation that is still open when its response is over", () => {
  it("ends by itself, and truthfully, if it is at work: a promise that settles later", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const work = inRequest(() => traceToolCall({ tool: "slow" }, () => promise));
    clientLeaves();
    resolve("done");

    expect(await work).toBe("done");
    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  execute_tool slow
`);
  });

  it("ends at once as cancelled, if it is a stream that nobody reads when the client leaves", () => {
    inRequest(() => withSpan("stream", () => ReadableStream.from([1, 2, 3])));
    clientLeaves();

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  stream cancelled
`);
  });

  it("is a success, if it is a stream that somebody goes on to drain", async () => {
    const { promise: more, resolve: giveMore } = Promise.withResolvers<number>();
    const stream = inRequest(() =>
      withSpan("stream", async function* () {
        yield 1;
        yield await more;
      }),
    );
    const drained = Array.fromAsync(stream);
    await vi.advanceTimersByTimeAsync(0);
    clientLeaves();
    giveMore(2);

    expect(await drained).toEqual([1, 2]);
    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  stream
`);
  });

  it.each([
    ["cancelled, if the client left", clientLeaves, "POST cancelled", "cancelled"],
    ["abandoned, if the response was complete", completes, "POST", "abandoned"],
  ])("ends after graceMs without activity: as %s", (_title, end, server, outcome) => {
    void inRequest(() => withSpan("hangs", () => new Promise(() => {})));
    end();
    vi.advanceTimersByTime(GRACE_MS - 1);
    expect(recording.open()).toBe(1);
    vi.advanceTimersByTime(1);

    expect(spanTree(recording.spans())).toBe(`
${server}
  hangs ${outcome}
`);
  });

  it("stays open as long as anything happens in it, or in what it waits for", () => {
    let inner: SpanHandle | undefined;
    void inRequest(() =>
      withSpan("outer", () => {
        inner = startSpan("inner");
        return new Promise(() => {});
      }),
    );
    completes();
    for (let round = 0; round < 5; round += 1) {
      vi.advanceTimersByTime(GRACE_MS - 1);
      inner?.addEvent("still here");
    }
    expect(recording.open()).toBe(2);

    vi.advanceTimersByTime(2 * GRACE_MS);

    expect(recording.endings()).toEqual(["POST", "inner", "outer"]);
    expect(spanTree(recording.spans())).toBe(`
POST
  outer abandoned
    inner abandoned
`);
  });

  it("leaves no timer behind when nothing is open", () => {
    const startTimer = vi.spyOn(globalThis, "setTimeout");
    inRequest(() => withSpan("work", () => {}));
    completes();

    expect(startTimer.mock.calls.filter(([, delayMs]) => delayMs === GRACE_MS)).toEqual([]);
    startTimer.mockRestore();
  });
});

describe("detach", () => {
  it("takes work out of the request: its end does not concern it, the trace and the identity stay", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const work = inRequest(() => {
      setIdentity({ userId: "ada", sessionId: "s-1" });
      return detach(() => withSpan("background", () => promise));
    });
    clientLeaves();
    vi.advanceTimersByTime(10 * GRACE_MS);
    expect(recording.open()).toBe(1);
    resolve("done");
    await work;

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  background
`);
    expect(spanNamed(recording.spans(), "background").attributes).toEqual({
      "user.id": "ada",
      "session.id": "s-1",
    });
  });

  it("keeps the identity as it was at that moment", () => {
    inRequest(() => {
      setIdentity({ userId: "ada" });
      detach(() => {
        inRequest(() => setIdentity({ userId: "eve" }));
        expect(currentIdentity()).toEqual({ userId: "ada" });
      });
      expect(currentIdentity()).toEqual({ userId: "eve" });
    });
  });
});

describe("an operation that starts when its response is over already", () => {
  it("is ended like the others when it shows no activity", () => {
    clientLeaves();
    void inRequest(() => withSpan("late", () => new Promise(() => {})));
    vi.advanceTimersByTime(2 * GRACE_MS);

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  late cancelled
`);
  });

  it("hears that the client has left", () => {
    clientLeaves();
    inRequest(() => withSpan("late", () => ReadableStream.from([1])));
    vi.advanceTimersByTime(0);

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  late cancelled
`);
  });
});

describe("a stream whose reader is busy with a chunk when the client leaves", () => {
  function readOne(): ReadableStreamDefaultReader<number> {
    const stream = inRequest(() => withSpan("stream", () => ReadableStream.from([1, 2])));
    return stream.getReader();
  }

  it("is a success, if the reader goes on to its end", async () => {
    const reader = readOne();
    await reader.read();
    clientLeaves();
    await reader.read();
    vi.advanceTimersByTime(999);
    await reader.read();

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  stream
`);
  });

  it("is cancelled, if the reader asks for nothing more within a second", async () => {
    const reader = readOne();
    await reader.read();
    clientLeaves();
    vi.advanceTimersByTime(999);
    expect(recording.open()).toBe(1);
    vi.advanceTimersByTime(1);

    expect(spanTree(recording.spans())).toBe(`
POST cancelled
  stream cancelled
`);
    await reader.cancel();
  });
});

describe("flushOpen within a request", () => {
  it("leaves nothing of the request behind", () => {
    void inRequest(() => withSpan("pending", () => new Promise(() => {})));
    flushOpen();
    const startTimer = vi.spyOn(globalThis, "setTimeout");
    completes();

    expect(startTimer).not.toHaveBeenCalled();
    startTimer.mockRestore();
  });
});
