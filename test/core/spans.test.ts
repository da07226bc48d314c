import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { currentTraceIds, startSpan, traced, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

describe("withSpan", () => {
  it("runs synchronous and asynchronous code inside its span and returns what it returns", async () => {
    const sync = withSpan("outer", () => withSpan("sync", () => 1));
    const later = await withSpan("async", async () => {
      await Promise.resolve();
      return withSpan("after await", () => 2);
    });

    expect([sync, later]).toEqual([1, 2]);
    expect(spanTree(recording.spans())).toBe(`
outer
  sync
async
  after await
`);
  });

  it("gives the span its kind, its attributes and the function's own attributes", () => {
    withSpan("work", { kind: SpanKind.PRODUCER, attributes: { given: 1 } }, (span) => {
      span.setAttributes({ found: true });
      span.addEvent("half way", { percent: 50 });
    });

    const span = spanNamed(recording.spans(), "work");
    expect(span.kind).toBe(SpanKind.PRODUCER);
    expect(span.attributes).toMatchObject({ given: 1, found: true });
    expect(span.events.map(({ name }) => name)).toEqual(["half way"]);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("throws on the same error, and describes it once, where it came from", async () => {
    const error = new TypeError("no such order");

    const failure = withSpan("outer", () =>
      withSpan("inner", async () => {
        throw error;
      }),
    );

    await expect(failure).rejects.toBe(error);
    expect(spanTree(recording.spans())).toBe(`
outer error: TypeError
  inner error: TypeError
`);
    const [outer, inner] = recording.spans();
    expect(inner?.events.map(({ name }) => name)).toEqual(["exception"]);
    expect(inner?.events[0]?.attributes).toMatchObject({
      "exception.type": "TypeError",
      "exception.message": "no such order",
    });
    expect(outer?.events).toEqual([]);
    expect(outer?.status).toEqual({ code: SpanStatusCode.ERROR, message: "no such order" });
  });

  it("describes the same error object anew in every trace it is thrown in", () => {
    const cached = new Error("always the same object");
    const fail = (): void => {
      withSpan("work", () => {
        throw cached;
      });
    };

    expect(fail).toThrow(cached);
    expect(fail).toThrow(cached);

    expect(recording.spans().map(({ events }) => events.length)).toEqual([1, 1]);
  });

  it.each([
    ["a string", "boom", "_OTHER"],
    ["undefined", undefined, "_OTHER"],
    [
      "an error with a code",
      Object.assign(new Error("x"), { code: "rate_limit_exceeded" }),
      "rate_limit_exceeded",
    ],
    ["an error with an HTTP status", Object.assign(new Error("x"), { status: 429 }), "429"],
    ["an object without a prototype", Object.create(null), "_OTHER"],
  ])("passes on %s that was thrown and names its type", (_title, thrown, type) => {
    let caught: unknown = "nothing";
    try {
      withSpan("work", () => {
        throw thrown;
      });
    } catch (error) {
      caught = error;
    }

    expect(caught).toBe(thrown);
    expect(spanNamed(recording.spans(), "work").attributes["error.type"]).toBe(type);
  });

  it("passes on an error that cannot be read", () => {
    const hostile = new Proxy(new Error("hidden"), {
      get() {
        throw new Error("a getter that throws");
      },
    });
    let caught: unknown;
    try {
      withSpan("work", () => {
        throw hostile;
      });
    } catch (error) {
      caught = error;
    }

    expect(caught === hostile).toBe(true);
    expect(spanTree(recording.spans())).toBe("\nwork error: _OTHER\n");
  });

  it("ends as aborted, not as failed, by its own signal", async () => {
    const controller = new AbortController();
    const reason = new Error("the user pressed stop");
    const failure = withSpan("work", { signal: controller.signal }, async () => {
      controller.abort(reason);
      controller.signal.throwIfAborted();
    });

    await expect(failure).rejects.toBe(reason);
    const span = spanNamed(recording.spans(), "work");
    expect(span.attributes["waybill.outcome"]).toBe("aborted");
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.events).toEqual([]);
  });

  it.each([
    [
      "a client's own error for it",
      new (class APIUserAbortError extends Error {})("aborted"),
      " aborted",
    ],
    ["an AbortError of anybody", new DOMException("stop", "AbortError"), " aborted"],
    [
      "an AbortError because of a timeout",
      Object.assign(new Error("late", { cause: new DOMException("late", "TimeoutError") }), {
        name: "AbortError",
      }),
      " error: AbortError",
    ],
  ])("knows an abort by its own signal from a timeout: %s", (_title, error, ending) => {
    const signal = AbortSignal.abort();
    const work = () =>
      withSpan("work", { signal }, () => {
        throw error;
      });

    expect(work).toThrow(error);
    expect(spanTree(recording.spans())).toBe(`\nwork${ending}\n`);
  });

  it("counts a timeout as a failure, also one by its own signal", async () => {
    const signal = AbortSignal.abort(new DOMException("too late", "TimeoutError"));

    const failure = withSpan("work", { signal }, async () => signal.throwIfAborted());

    await expect(failure).rejects.toBe(signal.reason);
    expect(spanTree(recording.spans())).toBe("\nwork error: TimeoutError\n");
  });
});

describe("tracing that is broken", () => {
  const broken = (): never => {
    throw new Error("a broken SDK");
  };

  it.each([
    ["a sampler", { sampler: { shouldSample: broken } }],
    ["a processor at the start", { processor: { onStart: broken } }],
    ["a processor at the end", { processor: { onEnd: broken } }],
  ])("changes nothing for the application: %s that throws", async (_title, setUp) => {
    await recording.stop();
    recording = startRecording(setUp);

    expect(withSpan("sync", () => 1)).toBe(1);
    expect(await withSpan("async", async () => 2)).toBe(2);
    const error = new Error("its own");
    expect(() =>
      withSpan("failing", () => {
        throw error;
      }),
    ).toThrow(error);
  });
});

describe("currentTraceIds", () => {
  it("gives the ids of the active span, whoever started it, and nothing where there is none", () => {
    const ours = withSpan("ours", (span) => [currentTraceIds(), span.span.spanContext()] as const);
    const theirs = trace.getTracer("theirs").startActiveSpan("theirs", (span) => {
      span.end();
      return [currentTraceIds(), span.spanContext()] as const;
    });

    for (const [ids, { traceId, spanId }] of [ours, theirs]) {
      expect(ids).toEqual({ traceId, spanId, sampled: true });
    }
    expect(currentTraceIds()).toBeUndefined();
  });
});

describe("the times of spans", () => {
  it("nest as the spans do, to the nanosecond, and hold their events", () => {
    const nest = (depth: number): void =>
      withSpan(`depth ${depth}`, (span) => {
        span.addEvent("here");
        if (depth < 50) nest(depth + 1);
      });
    nest(0);

    const nanoseconds = ([seconds, nanos]: readonly [number, number]): bigint =>
      BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
    const times = recording.spans().map(({ startTime, endTime, events }) => ({
      start: nanoseconds(startTime),
      event: nanoseconds(events[0]?.time ?? [0, 0]),
      end: nanoseconds(endTime),
    }));
    expect(times).toHaveLength(51);
    for (const [index, { start, event, end }] of times.entries()) {
      const outer = times[index - 1] ?? { event: start, end };
      expect([outer.event <= start, start <= event, event <= end, end <= outer.end]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    }
  });
});

describe("startSpan", () => {
  it("ends with `using`", () => {
    {
      using span = startSpan("block");
      span.run(() => withSpan("inside", () => {}));
    }

    expect(spanTree(recording.spans())).toBe(`
block
  inside
`);
  });

  it("is active only in `run` and in bound functions", () => {
    const span = startSpan("work");
    const bound = span.bind(() => trace.getActiveSpan());

    expect(trace.getActiveSpan()).toBeUndefined();
    expect(span.run(() => trace.getActiveSpan())).toBe(span.span);
    expect(bound()).toBe(span.span);
    expect(trace.getSpan(context.active())).toBeUndefined();
    span.end();
  });

  it("ends once, with its first outcome", () => {
    const span = startSpan("work");
    span.end("cancelled");
    span.fail(new Error("too late"));
    span.end();
    span.setAttributes({ late: true });

    const [recorded] = recording.spans();
    expect(recording.spans()).toHaveLength(1);
    expect(recorded?.attributes).toEqual({ "waybill.outcome": "cancelled" });
    expect(recorded?.status.code).toBe(SpanStatusCode.UNSET);
  });
});

describe("traced", () => {
  it("keeps the function's `this`, name, length, result and error", async () => {
    const error = new Error("no");
    class Shop {
      readonly name = "corner shop";
      greet = traced()(function greet(this: Shop, who: string, _how: string): string {
        return `${this.name} greets ${who}`;
      });
      fail = traced("failing")(async function fail(): Promise<never> {
        throw error;
      });
    }
    const shop = new Shop();

    expect(shop.greet("Ada", "loudly")).toBe("corner shop greets Ada");
    expect([shop.greet.name, shop.greet.length]).toEqual(["greet", 2]);
    await expect(shop.fail()).rejects.toBe(error);
    expect(spanTree(recording.spans())).toBe(`
greet
failing error: Error
`);
    expect(spanNamed(recording.spans(), "failing").attributes["code.function.name"]).toBe("fail");
  });
});
