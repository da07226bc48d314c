import { Readable } from "node:stream";

import { context, trace } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { flushOpen, traceAgentRun, traceLlmCall, traceToolCall, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { nextMacrotask } from "../support/next-macrotask.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

async function* numbers(count: number) {
  for (let number = 1; number <= count; number += 1) {
    yield withSpan(`make ${number}`, async () => number);
  }
}

function endless(): ReadableStream<number> {
  let number = 0;
  return new ReadableStream(
    { pull: (controller) => controller.enqueue((number += 1)) },
    { highWaterMark: 0 },
  );
}

describe("withSpan around what is read later", () => {
  it("lasts as long as an async generator, whose code runs inside it", async () => {
    const stream = withSpan("stream", () => numbers(3));
    const seen: number[] = [];
    for await (const number of stream) {
      seen.push(number);
      expect(recording.endings()).not.toContain("stream");
    }

    expect(seen).toEqual([1, 2, 3]);
    expect(spanTree(recording.spans())).toBe(`
stream
  make 1
  make 2
  make 3
`);
  });

  it("leaves the protocol of a generator as it is: next, return and throw", async () => {
    function* echo(): Generator<string, string, string> {
      let given = "";
      try {
        while (given !== "stop") given = yield `got ${given}`;
      } catch (error) {
        yield `caught ${String(error)}`;
      }
      return "the end";
    }
    const generator = withSpan("echo", echo);

    expect(generator[Symbol.iterator]()).toBe(generator);
    expect(generator.next()).toEqual({ done: false, value: "got " });
    expect(generator.next("a")).toEqual({ done: false, value: "got a" });
    expect(generator.throw("an error")).toEqual({ done: false, value: "caught an error" });
    expect(generator.next()).toEqual({ done: true, value: "the end" });
    expect(spanTree(recording.spans())).toBe("\necho\n");
  });

  it("fails with the error that a generator throws, which is the same", async () => {
    const error = new RangeError("out of numbers");
    const stream = withSpan("stream", async function* () {
      yield 1;
      throw error;
    });

    await expect(Array.fromAsync(stream)).rejects.toBe(error);
    expect(spanTree(recording.spans())).toBe("\nstream error: RangeError\n");
  });

  it("is cancelled when its reader breaks off, and the generator's clean-up still runs inside it", async () => {
    const stream = withSpan("stream", async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await withSpan("clean up", async () => {});
      }
    });
    for await (const number of stream) if (number === 1) break;

    expect(spanTree(recording.spans())).toBe(`
stream cancelled
  clean up
`);
  });

  it("keeps the class, the members and the private state of an iterable, and follows its branches", async () => {
    class ProviderStream implements AsyncIterable<number> {
      readonly #count = 2;
      readonly requestId = "req_1";
      async *[Symbol.asyncIterator]() {
        yield* numbers(this.#count);
      }
      count(): number {
        return this.#count;
      }
      tee(): [ProviderStream, ProviderStream] {
        return [new ProviderStream(), new ProviderStream()];
      }
      self(): this {
        return this;
      }
    }
    const stream = await withSpan("call", async () => new ProviderStream());

    expect(stream).toBeInstanceOf(ProviderStream);
    expect(stream.constructor).toBe(ProviderStream);
    expect([stream.requestId, stream.count()]).toEqual(["req_1", 2]);
    expect(stream.self()).toBe(stream);
    const [left, right] = stream.tee();
    expect(left).toBeInstanceOf(ProviderStream);
    for await (const number of right) if (number === 1) break;
    expect(recording.open()).toBe(1);
    expect(await Array.fromAsync(left)).toEqual([1, 2]);
    expect(spanNamed(recording.spans(), "call").attributes["waybill.outcome"]).toBeUndefined();
  });

  it("lasts as long as a ReadableStream, reads nothing ahead, and is cancelled with it", async () => {
    let pulled = 0;
    const stream = withSpan(
      "stream",
      () =>
        new ReadableStream<number>(
          { pull: (controller) => controller.enqueue((pulled += 1)) },
          { highWaterMark: 0 },
        ),
    );
    const reader = stream.getReader();
    await reader.read();
    expect([pulled, recording.open()]).toEqual([1, 1]);

    await reader.cancel("enough");

    expect(spanTree(recording.spans())).toBe("\nstream cancelled\n");
  });

  it("is a success when one branch of a tee is cancelled and the other one drained", async () => {
    const stream = withSpan("stream", () => ReadableStream.from(numbers(2)));
    const [left, right] = stream.tee();

    const cancelled = left.cancel();
    expect(await Array.fromAsync(right)).toEqual([1, 2]);

    expect(spanTree(recording.spans())).toBe(`
stream
  make 1
  make 2
`);
    await cancelled;
  });

  it("leaves a Node.js stream as it is, and lasts until it closes", async () => {
    const source = Readable.from(numbers(2));
    const stream = withSpan("stream", () => source);

    expect(stream).toBe(source);
    expect(await Array.fromAsync(stream as AsyncIterable<number>)).toEqual([1, 2]);
    expect(spanNamed(recording.spans(), "stream").attributes).toEqual({});
  });

  it.each([
    ["destroyed", undefined, " cancelled"],
    ["broken", new TypeError("no more"), " error: TypeError"],
  ])("tells that a Node.js stream was %s", async (_title, error, ending) => {
    const stream = withSpan("stream", () => new Readable({ read() {} }));
    stream.on("error", () => {});
    const closed = new Promise((resolve) => {
      stream.once("close", resolve);
    });
    stream.destroy(error);
    await closed;

    expect(spanTree(recording.spans())).toBe(`\nstream${ending}\n`);
  });

  it("gives a native promise in place of one", async () => {
    const promise = withSpan("work", async () => 1);

    expect(promise).toBeInstanceOf(Promise);
    expect(promise.constructor).toBe(Promise);
    expect(await promise).toBe(1);
  });

  it("keeps the methods of a promise that has some of its own", async () => {
    class ApiPromise extends Promise<string> {
      readonly #raw = "raw";
      asResponse(): Promise<string> {
        return Promise.resolve(this.#raw);
      }
    }
    const call = () => new ApiPromise((resolve) => resolve("parsed"));
    const awaited = withSpan("awaited", call);
    const raw = withSpan("raw", call);

    expect(awaited).toBeInstanceOf(ApiPromise);
    expect(await awaited).toBe("parsed");
    expect(await raw.asResponse()).toBe("raw");
    expect(spanTree(recording.spans())).toBe("\nawaited\nraw\n");
  });

  it("runs a query that runs when it is awaited as often as it is awaited, inside the span", async () => {
    const ran: unknown[] = [];
    const query = {
      rows: 10,
      limit(rows: number) {
        this.rows = rows;
        return this;
      },
      // oxlint-disable-next-line unicorn/no-thenable -- what query builders do
      then(resolve: (rows: number) => void) {
        ran.push(trace.getActiveSpan());
        resolve(this.rows);
      },
    };
    const traced = withSpan("SELECT", () => query);
    const limited = traced.limit(5);

    expect([limited === traced, ran.length]).toEqual([true, 0]);
    expect(await limited).toBe(5);
    expect(ran).toHaveLength(1);
    expect(ran[0]).toBeDefined();
    expect(spanTree(recording.spans())).toBe("\nSELECT\n");
  });

  it("lasts until the helpers of an iterator are through", () => {
    const generator = withSpan("numbers", function* () {
      yield withSpan("make", () => 1);
      yield 2;
    });
    const doubled = generator.map((number) => number * 2);
    expect(recording.open()).toBe(1);

    expect(doubled.toArray()).toEqual([2, 4]);
    expect(spanTree(recording.spans())).toBe(`
numbers
  make
`);
  });

  it("goes on when a generator yields while it is returned from", () => {
    const generator = withSpan("stubborn", function* (): Generator<string, string> {
      try {
        yield "one";
      } finally {
        yield "not yet";
      }
      return "end";
    });
    generator.next();

    expect(generator.return("given")).toEqual({ done: false, value: "not yet" });
    expect(recording.open()).toBe(1);
    expect(generator.next()).toEqual({ done: true, value: "given" });
    expect(spanTree(recording.spans())).toBe("\nstubborn\n");
  });

  it("passes on a result that cannot be read", () => {
    const hostile = {
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is hostile about it
      get then(): never {
        throw new Error("a getter that throws");
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();

    expect(withSpan("getter", () => hostile) === hostile).toBe(true);
    expect(withSpan("revoked", () => proxy) === proxy).toBe(true);
    expect(spanTree(recording.spans())).toBe("\ngetter\nrevoked\n");
  });

  it("keeps what a stream starts below a span that no sampler wanted", async () => {
    await recording.stop();
    const parents: (string | undefined)[] = [];
    recording = startRecording({
      sampler: {
        shouldSample(around, _traceId, name) {
          if (name === "inner") parents.push(trace.getSpanContext(around)?.spanId);
          return { decision: SamplingDecision.NOT_RECORD };
        },
      },
    });
    const ids: string[] = [];
    const stream = withSpan("outer", async function* (span) {
      ids.push(span.span.spanContext().spanId);
      await Promise.resolve();
      withSpan("inner", () => {});
      yield 1;
    });
    await Array.fromAsync(stream);

    expect(parents).toEqual(ids);
    expect(recording.spans()).toEqual([]);
  });

  it("leaves what it does not follow to its reader: arrays, maps, plain objects", () => {
    const values = [[1], new Map([[1, 2]]), { a: 1 }, "text", null, undefined];

    expect(values.map((value) => withSpan("work", () => value))).toEqual(values);
    expect(withSpan("work", () => values)).toBe(values);
    expect(recording.open()).toBe(0);
  });

  it("ends by its own signal as aborted, also when the stream does not follow the signal", async () => {
    const controller = new AbortController();
    const stream = withSpan("stream", { signal: controller.signal }, endless);
    await stream.getReader().read();

    controller.abort();
    await nextMacrotask();

    expect(spanTree(recording.spans())).toBe("\nstream aborted\n");
  });

  it("does not hold on to a signal that outlives it", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };

    const options = { signal };
    await Array.fromAsync(withSpan("read", options, () => ReadableStream.from([1, 2])));
    withSpan("flushed", options, () => ReadableStream.from([1, 2]));
    const call = { ...options, provider: "openai", model: "gpt-5" };
    await traceLlmCall(call, async () => {
      await Array.fromAsync(traceLlmCall(call, () => ReadableStream.from([1])));
    });
    flushOpen();

    expect(listeners).toBe(0);
  });

  it("changes nothing of a result when nothing is recorded", async () => {
    await recording.stop();
    const stream = endless();
    const generator = numbers(1);
    const promise = Promise.resolve(1);

    expect(withSpan("work", () => stream)).toBe(stream);
    expect(withSpan("work", () => generator)).toBe(generator);
    expect(withSpan("work", () => promise)).toBe(promise);
  });
});

describe("the operations around what is read later", () => {
  it("take the time to the first chunk of a model's stream, whatever kind it is", async () => {
    const call = { provider: "openai", model: "gpt-5" };
    await Array.fromAsync(traceLlmCall(call, () => numbers(2)));
    const stream = await traceLlmCall(call, async () => ReadableStream.from(["a", "b"]));
    await Array.fromAsync(stream);

    const calls = recording.spans().filter(({ name }) => name === "chat gpt-5");
    expect(calls).toHaveLength(2);
    for (const { attributes } of calls) {
      expect(attributes["gen_ai.response.time_to_first_chunk"]).toBeGreaterThan(0);
    }
  });

  it("hold the caller's context apart from the producer's", async () => {
    const stream = traceToolCall({ tool: "list" }, () => numbers(2));
    await withSpan("reader", async (reader) => {
      for await (const number of stream) {
        expect(trace.getSpan(context.active())).toBe(reader.span);
        expect(number).toBeGreaterThan(0);
      }
    });

    expect(spanTree(recording.spans())).toBe(`
execute_tool list
  make 1
  make 2
reader
`);
  });
});

describe("work that sets off its own successor", () => {
  it("keeps nothing of the work before", () => {
    const outers: unknown[] = [];
    let next: (() => void) | undefined;
    const poll = (): void =>
      traceAgentRun({ agent: { name: "poller" } }, (span) => {
        outers.push(span.outer);
        next = span.bind(poll);
      });
    poll();
    for (let round = 0; round < 10; round += 1) next?.();

    expect(outers).toEqual(Array.from({ length: 11 }, () => undefined));
  });
});

describe("flushOpen", () => {
  it("ends what is still open as abandoned, inner operations first, and says how many there were", async () => {
    const pending = withSpan("pending", () => {
      void withSpan("inner", () => new Promise(() => {}));
      return new Promise(() => {});
    });
    const stream = withSpan("unread", endless);

    expect(recording.open()).toBe(3);
    expect(flushOpen()).toBe(3);
    expect(flushOpen()).toBe(0);
    expect(recording.endings()).toEqual(["inner", "pending", "unread"]);
    expect(spanTree(recording.spans())).toBe(`
pending abandoned
  inner abandoned
unread abandoned
`);
    expect([pending, stream]).toHaveLength(2);
  });

  it("leaves later calls on an ended span without effect", async () => {
    const stream = withSpan("stream", () => ReadableStream.from([1]));
    flushOpen();

    expect(await Array.fromAsync(stream)).toEqual([1]);
    expect(spanTree(recording.spans())).toBe("\nstream abandoned\n");
  });
});
