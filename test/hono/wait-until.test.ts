import { diag, DiagLogLevel } from "@opentelemetry/api";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import type { ExecutionContext } from "hono";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { nextMacrotask } from "../support/next-macrotask.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const forceFlush = vi.fn(async () => {});
const warn = vi.fn();

let recording: Recording;
beforeEach(() => {
  diag.setLogger({ error() {}, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  recording = startRecording({ processor: { forceFlush } });
});
afterEach(async () => {
  await recording.stop();
  diag.disable();
  vi.clearAllMocks();
});

const app = new Hono()
  .use(traceMiddleware())
  .get("/known", (c) => c.json({}))
  .get("/streamed", () => new Response(ReadableStream.from([new Uint8Array(1)])))
  .get("/hang", () => new Promise<never>(() => {}));

/** Asks the app as a runtime does that sleeps, and says what is waited for before it does. */
function ask(path: string, init: RequestInit = {}) {
  const kept: Promise<unknown>[] = [];
  const executionContext = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) };
  const response = app.request(path, init, {}, executionContext as ExecutionContext);
  let isAwake = true;
  const asleep = Promise.all(kept).finally(() => {
    isAwake = false;
  });
  return { response, kept, asleep, isAwake: () => isAwake };
}

it("keeps the runtime awake until a streamed body was read and its spans are exported", async () => {
  const { response, kept, asleep, isAwake } = ask("/streamed");
  const { body } = await response;
  await nextMacrotask();
  const awakeBefore = isAwake();
  await new Response(body).arrayBuffer();
  await asleep;

  expect([awakeBefore, kept.length]).toEqual([true, 1]);
  expect(recording.endings()).toEqual(["GET /streamed"]);
  expect(forceFlush).toHaveBeenCalledOnce();
});

it("lets it sleep when the body is known, and when the client leaves before there is one", async () => {
  const controller = new AbortController();
  const requests = [ask("/known"), ask("/hang", { signal: controller.signal })];
  controller.abort();
  await Promise.all(requests.map(({ asleep }) => asleep));

  expect(recording.endings().toSorted()).toEqual(["GET /hang", "GET /known"]);
  expect(forceFlush).toHaveBeenCalledTimes(2);
});

it("lets it sleep when the spans cannot be exported, and tells `diag`", async () => {
  forceFlush.mockRejectedValueOnce(new Error("the exporter is down"));
  await ask("/known").asleep;

  expect(warn.mock.calls).toMatchObject([
    ["waybill: spans could not be exported at the end of a request", expect.anything()],
  ]);
});

it.each<[string, unknown]>([
  ["has no `waitUntil`", {}],
  [
    "throws",
    {
      waitUntil() {
        throw new TypeError("Illegal invocation");
      },
    },
  ],
])("answers and traces as usual where the `executionCtx` %s", async (_title, executionContext) => {
  const response = await app.request("/known", {}, {}, executionContext as ExecutionContext);

  expect(await response.json()).toEqual({});
  expect(recording.endings()).toEqual(["GET /known"]);
});
