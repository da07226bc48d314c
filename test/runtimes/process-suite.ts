import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";

import { context, createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@waybill/core/otel";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import type { ExecutionContext } from "hono";

import { newCaller } from "./new-caller.ts";
import { nextTask } from "./next-task.ts";
import type { SpanLog } from "./span-log.ts";
import type { TestCase } from "./test-case.ts";
import { tracedApp } from "./traced-app.ts";

const KEY = createContextKey("the test's key");
const INSIDE = ROOT_CONTEXT.setValue(KEY, "inside");

const SCHEDULERS: readonly ((callback: () => void) => unknown)[] = [
  setTimeout,
  queueMicrotask,
  setImmediate,
  (callback) => process.nextTick(callback),
];

/** What holds of the context manager on every runtime, and of streams that are read within the process. */
export const processSuite: readonly TestCase<SpanLog>[] = [
  {
    name: "the context survives `await`, timers and ticks",
    async run() {
      const seen = await context.with(INSIDE, async () => {
        const places = [await Promise.resolve().then(active)];
        for (const schedule of SCHEDULERS) {
          places.push(
            await new Promise((resolve) => {
              schedule(() => resolve(active()));
            }),
          );
        }
        return places;
      });

      deepEqual(
        seen,
        Array.from({ length: 5 }, () => "inside"),
      );
      equal(active(), undefined);
    },
  },
  {
    name: "the context survives the reading of web streams and of Node's",
    async run() {
      const seen = await context.with(INSIDE, async () => {
        const places: unknown[] = [];
        for await (const _ of ReadableStream.from([1, 2])) places.push(active());
        for await (const _ of Readable.from([1, 2])) places.push(active());
        const emitter = Readable.from([1]);
        await new Promise<void>((resolve) => {
          emitter.on("data", () => places.push(active()));
          emitter.on("end", resolve);
        });
        places.push(active());
        return places;
      });

      deepEqual(
        seen,
        Array.from({ length: 6 }, () => "inside"),
      );
    },
  },
  {
    name: "a context within a context is left again, also by an error",
    run() {
      context.with(INSIDE, () => {
        const error = new Error("as it is");
        const nested = ROOT_CONTEXT.setValue(KEY, "nested");
        throws(
          () =>
            context.with(nested, () => {
              equal(active(), "nested");
              throw error;
            }),
          (thrown) => thrown === error,
        );
        equal(active(), "inside");
      });
      equal(active(), undefined);
    },
  },
  {
    name: "a bound function runs in its context, and is as it was otherwise",
    async run() {
      const receiver = {};
      const bound = context.bind(
        INSIDE,
        function place(this: unknown, first: number, second: number) {
          return [this, first, second, active()];
        },
      );
      const { promise, resolve } = Promise.withResolvers<unknown[]>();
      setTimeout(() => resolve(bound.call(receiver, 1, 2)), 0);

      const [self, ...rest] = await promise;
      equal(self, receiver);
      deepEqual(rest, [1, 2, "inside"]);
      equal(bound.length, 2);
    },
  },
  {
    name: "the listeners of a bound emitter run in its context, and can be removed",
    run() {
      const emitter = new EventEmitter();
      const seen: unknown[] = [];
      const listener = (value: unknown) => seen.push([value, active()]);
      equal(context.bind(INSIDE, emitter), emitter);
      emitter.on("data", listener);
      emitter.once("data", listener);
      emitter.emit("data", 1);
      emitter.off("data", listener);

      equal(emitter.emit("data", 2), false);
      deepEqual(seen, [
        [1, "inside"],
        [1, "inside"],
      ]);
    },
  },
  {
    name: "a bound listener of an AbortSignal runs in its context",
    run() {
      const controller = new AbortController();
      let seen: unknown;
      controller.signal.addEventListener(
        "abort",
        context.bind(INSIDE, () => {
          seen = active();
        }),
      );
      controller.abort();

      equal(seen, "inside");
    },
  },
  {
    name: "a context that is attached is left by its token, where the runtime can attach one",
    run() {
      context.with(INSIDE, () => {
        const token = context.attach(ROOT_CONTEXT.setValue(KEY, "attached"));
        equal(active(), canAttach() ? "attached" : "inside");
        token.dispose();
        equal(active(), "inside");
      });
    },
  },
  {
    name: "a context manager can be disabled",
    run() {
      const manager = new AsyncLocalStorageContextManager();

      equal(manager.disable(), manager);
      equal(manager.active(), ROOT_CONTEXT);
    },
  },
  {
    name: "a runtime that may sleep is kept awake until a response was sent and its spans are exported",
    async run(log) {
      const kept: Promise<unknown>[] = [];
      const executionContext = {
        waitUntil: (promise: Promise<unknown>) => void kept.push(promise),
      };
      const { traceId, headers } = newCaller();
      const response = await tracedApp().request(
        "/generator",
        { headers },
        {},
        executionContext as ExecutionContext,
      );
      let asleep = false;
      const sleep = Promise.all(kept).finally(() => {
        asleep = true;
      });
      await nextTask();
      deepEqual([kept.length, asleep], maySleep() ? [1, false] : [0, true]);

      await response.text();
      await sleep;
      if (maySleep()) await log.exported(traceId);
    },
  },
  {
    name: "a slow reader is not read ahead of",
    async run() {
      let produced = 0;
      const app = new Hono().use(traceMiddleware()).get("/", () => {
        const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
          {
            pull(controller) {
              produced += 1;
              controller.enqueue(new TextEncoder().encode("x"));
            },
          },
          { highWaterMark: 0 },
        );
        return new Response(body);
      });
      const response = await app.request("/");
      const reader = response.body?.getReader();
      for (const read of [1, 2, 3]) {
        await reader?.read();
        await nextTask();
        equal(produced, read);
      }
      await reader?.cancel();
    },
  },
  {
    name: "the reader of a stream that breaks gets the error itself",
    async run() {
      const error = new RangeError("the stream broke");
      const app = new Hono().use(traceMiddleware()).get("/", () => {
        const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
          { pull: (controller) => controller.error(error) },
          { highWaterMark: 0 },
        );
        return new Response(body);
      });
      const response = await app.request("/");
      const thrown: unknown = await response.text().catch((reason: unknown) => reason);

      ok(thrown === error, String(thrown));
    },
  },
];

function active(): unknown {
  return context.active().getValue(KEY);
}

function canAttach(): boolean {
  const storage = new AsyncLocalStorage<string>();
  try {
    storage.run("outer", () => storage.enterWith("inner"));
    return true;
  } catch {
    return false;
  }
}

function maySleep(): boolean {
  return !("Bun" in globalThis || "Deno" in globalThis);
}
