import { Readable } from "node:stream";

import { IterableReadableStream } from "@langchain/core/utils/stream";
import { withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { collectGarbage } from "../support/collect-garbage.ts";
import { nextMacrotask } from "../support/next-macrotask.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

class Chunks implements AsyncIterable<number> {
  async *[Symbol.asyncIterator]() {
    for (let chunk = 1; chunk <= 4; chunk += 1) yield chunk;
  }
}

describe("an iterable in place of its own", () => {
  it("is not taken for abandoned while only its iterator is held", async () => {
    const seen: number[] = [];
    for await (const chunk of withSpan("stream", () => new Chunks())) {
      seen.push(chunk);
      collectGarbage();
      await nextMacrotask();
    }

    expect(seen).toEqual([1, 2, 3, 4]);
    expect(spanTree(recording.spans())).toBe("\nstream\n");
  });

  it("may have a `next` that gives rows, as the cursors of databases do", async () => {
    class Cursor {
      #rows = [{ id: 1 }, { id: 2 }];
      async next(): Promise<{ id: number } | null> {
        return this.#rows.shift() ?? null;
      }
      async *[Symbol.asyncIterator]() {
        for (let row = await this.next(); row !== null; row = await this.next()) yield row;
      }
    }
    const cursor = withSpan("by hand", () => new Cursor());
    const rows: unknown[] = [];
    for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push(row);

    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await Array.fromAsync(withSpan("find", () => new Cursor()))).toEqual(rows);
    expect(recording.endings()).toEqual(["find"]);
  });

  it("may be frozen, be set, and give its steps as bare thenables", async () => {
    let steps = 0;
    const frozen = Object.freeze({
      next: () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- what is tested
        then(resolve: (result: IteratorResult<number>) => void) {
          steps += 1;
          resolve({ done: steps > 2, value: steps });
        },
      }),
      [Symbol.asyncIterator]() {
        return this;
      },
    });
    class Counter extends Chunks {
      #count = 0;
      get count(): number {
        return this.#count;
      }
      set count(value: number) {
        this.#count = value;
      }
    }
    const seen: number[] = [];
    for await (const step of withSpan("frozen", () => frozen as unknown as Chunks)) seen.push(step);
    const counter = withSpan("counter", () => new Counter());
    counter.count = 5;

    expect(seen).toEqual([1, 2]);
    expect(counter.count).toBe(5);
    expect(recording.endings()).toEqual(["frozen"]);
  });

  it("ends with `await using`", async () => {
    {
      await using generator = withSpan("generator", async function* () {
        yield 1;
        yield 2;
      });
      await generator.next();
    }

    expect(spanTree(recording.spans())).toBe("\ngenerator cancelled\n");
  });
});

describe("a promise in place of its own", () => {
  it("keeps what was put on it", async () => {
    const fetching = Object.assign(Promise.resolve("text"), {
      json: async () => ({ parsed: true }),
    });

    expect(await withSpan("json", () => fetching).json()).toEqual({ parsed: true });
    expect(await withSpan("text", () => fetching)).toBe("text");
    expect(spanTree(recording.spans())).toBe("\njson\ntext\n");
  });

  it("stays of its class through then, catch and finally", async () => {
    class Tappable<T> extends Promise<T> {
      tap(): this {
        return this;
      }
    }
    const traced = withSpan("work", () => new Tappable<number>((resolve) => resolve(1)));
    const chained = traced.then((value) => value + 1).catch(() => 0);

    expect(chained).toBeInstanceOf(Tappable);
    expect(await (chained as Tappable<number>).tap()).toBe(2);
    expect(await traced.finally(() => {})).toBe(1);
    expect(spanTree(recording.spans())).toBe("\nwork\n");
  });

  it("gives everybody who awaits it the same stream", async () => {
    class Lazy<T> extends Promise<T> {}
    const traced = withSpan(
      "stream",
      () => new Lazy<ReadableStream>((resolve) => resolve(ReadableStream.from([1]))),
    );

    expect(await traced).toBe(await traced);
    expect(await Array.fromAsync(await traced)).toEqual([1]);
    expect(spanTree(recording.spans())).toBe("\nstream\n");
  });

  it("passes the same error on, by whichever way it is awaited", async () => {
    class Lazy<T> extends Promise<T> {}
    const error = new Error("no");
    const fail = () => withSpan("failing", () => new Lazy((_resolve, reject) => reject(error)));

    await expect(fail()).rejects.toBe(error);
    expect(await fail().catch((caught: unknown) => caught)).toBe(error);
    expect(await fail().then(undefined, (caught: unknown) => caught)).toBe(error);
    expect(new Set(recording.spans().map(({ status }) => status.message))).toEqual(new Set(["no"]));
  });

  it("that is a query and an iterable ends when it was iterated", async () => {
    class Query extends Chunks {
      // oxlint-disable-next-line unicorn/no-thenable -- what queries do
      then(resolve: (rows: number[]) => void): void {
        resolve([1, 2, 3, 4]);
      }
    }
    const seen: number[] = [];
    // oxlint-disable-next-line typescript/await-thenable -- what is tested
    for await (const row of withSpan("query", () => new Query()) as AsyncIterable<number>) {
      seen.push(row);
    }

    expect(seen).toEqual([1, 2, 3, 4]);
    expect(spanTree(recording.spans())).toBe("\nquery\n");
  });
});

describe("a stream in place of its own", () => {
  it("stays of its class, with the methods of that", async () => {
    const traced = await withSpan("stream", async () =>
      IterableReadableStream.fromAsyncGenerator(new Chunks()[Symbol.asyncIterator]()),
    );

    expect(traced).toBeInstanceOf(IterableReadableStream);
    expect(await traced.next()).toEqual({ done: false, value: 1 });
    expect(await Array.fromAsync(traced)).toEqual([2, 3, 4]);
    expect(
      await new Response(
        withSpan("body", () => ReadableStream.from(["a"])).pipeThrough(new TextEncoderStream()),
      ).text(),
    ).toBe("a");
    expect(spanTree(recording.spans())).toBe("\nstream\nbody\n");
  });

  it("is left alone when somebody reads it already", () => {
    const locked = ReadableStream.from([1]);
    locked.getReader();

    expect(withSpan("locked", () => locked)).toBe(locked);
    expect(spanTree(recording.spans())).toBe("\nlocked\n");
  });

  it("of Node's may be over already, or never say that it closed", async () => {
    const over = Readable.from([1]);
    await Array.fromAsync(over);
    const silent = new Readable({ emitClose: false, read: () => silent.push(null) });

    expect(withSpan("over", () => over)).toBe(over);
    await Array.fromAsync(withSpan("silent", () => silent) as AsyncIterable<unknown>);
    expect(spanTree(recording.spans())).toBe("\nover\nsilent\n");
  });
});
