import { EventEmitter, once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { HttpBindings } from "@hono/node-server";
import { context, propagation, trace } from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { setIdentity, withSpan } from "@waybill/core";
import { AsyncLocalStorageContextManager, StrictW3CPropagator } from "@waybill/core/otel";
import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import express from "express";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, it } from "vitest";

import { listen, listenHono } from "../support/http-services.ts";
import type { Service } from "../support/http-services.ts";

const REQUESTS = 20_000;
const WARM_UP = 4000;
const CONCURRENCY = 50;
const MAX_ROUNDS = 200;
const TIMEOUT_MS = 600_000;

/** Less than what 20,000 requests would leave behind at 150 bytes each. */
const MAX_GROWTH_BYTES = 3_000_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Spans by the way they ended; the spans themselves are not kept. */
interface Tally {
  started: number;
  ended: number;
  readonly outcomes: Map<string, number>;
}

let tally: Tally;
let provider: TracerProvider;
beforeEach(() => {
  tally = { started: 0, ended: 0, outcomes: new Map() };
  provider = new TracerProvider({
    spanProcessors: [
      {
        onStart() {
          tally.started += 1;
        },
        onEnd({ name, attributes }: ReadableSpan) {
          tally.ended += 1;
          const { "waybill.outcome": outcome = "success" } = attributes;
          const ending = [name, outcome].join(" ");
          tally.outcomes.set(ending, (tally.outcomes.get(ending) ?? 0) + 1);
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new StrictW3CPropagator());
});
afterEach(async () => {
  trace.disable();
  context.disable();
  propagation.disable();
  await provider.shutdown();
});

/** Tells, under its number, of each request that has got to a handler which does not answer. */
const arrivals = new EventEmitter().setMaxListeners(CONCURRENCY);

const SERVICES: readonly (readonly [
  framework: string,
  start: () => Promise<Omit<Service, "hanging">>,
])[] = [
  ["Express", () => listen(expressApp())],
  ["Hono", () => listenHono(honoApp())],
];

function expressApp(): express.Express {
  const app = express();
  app.use(traceExpress());
  app.use((req, _res, next) => {
    setIdentity({ userId: req.get("x-user") ?? "" });
    next();
  });
  app.get("/orders/:id", async (req, res) => {
    const { id } = req.params;
    res.json(await withSpan("look up", async () => ({ id })));
  });
  app.get("/hang/:id", (req) => void arrivals.emit(req.params.id));
  app.get("/stream/:id", (_req, res) => {
    res.setHeader("content-type", "text/event-stream");
    withSpan("first", () => void res.write("data: first\n\n"));
  });
  return app;
}

function honoApp(): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(traceHono());
  app.use(async (c, next) => {
    setIdentity({ userId: c.req.header("x-user") ?? "" });
    await next();
  });
  app.get("/orders/:id", async (c) => {
    const id = c.req.param("id");
    return c.json(await withSpan("look up", async () => ({ id })));
  });
  app.get("/hang/:id", (c) => {
    arrivals.emit(c.req.param("id"));
    return new Promise<never>(() => {});
  });
  app.get("/stream/:id", () => {
    const chunks = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) =>
        withSpan("first", () => controller.enqueue(new TextEncoder().encode("data: first\n\n"))),
    });
    return new Response(chunks, { headers: { "content-type": "text/event-stream" } });
  });
  return app;
}

/** A client of a service that keeps its connections. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Of ten requests one is aborted before it is answered, and one while its response comes in. */
  async send(index: number): Promise<void> {
    if (index % 10 === 3) await this.#abortBeforeHeaders(String(index));
    else if (index % 10 === 7) await this.#abortInMidStream(String(index));
    else await this.#complete(String(index));
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(path: string, id: string): ReturnType<typeof httpRequest> {
    const headers = {
      "x-user": `user-${id}`,
      traceparent: `00-${id.padStart(32, "a")}-${id.padStart(16, "b")}-01`,
      tracestate: "foo=1",
      baggage: "session.id=1",
    };
    return httpRequest(`${this.#url}${path}/${id}`, { agent: this.#agent, headers });
  }

  async #complete(id: string): Promise<void> {
    const request = this.#request("/orders", id);
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    const answer = `${response.statusCode} ${body}`;
    if (answer !== `200 {"id":"${id}"}`) throw new Error(`request ${id} was answered ${answer}`);
  }

  async #abortBeforeHeaders(id: string): Promise<void> {
    const request = this.#request("/hang", id);
    const aborted = Promise.withResolvers<void>();
    request.once("response", () => aborted.reject(new Error(`request ${id} was answered`)));
    request.once("error", () => aborted.resolve());
    arrivals.once(id, () => request.destroy());
    request.end();
    await aborted.promise;
  }

  async #abortInMidStream(id: string): Promise<void> {
    const request = this.#request("/stream", id);
    request.on("error", () => {});
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.on("error", () => {});
    const [chunk] = (await once(response, "data")) as [Buffer];
    const closed = once(request, "close");
    response.destroy();
    await closed;
    if (String(chunk) !== "data: first\n\n") throw new Error(`request ${id} got ${String(chunk)}`);
  }
}

async function sendAll(client: Client, count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await client.send(index);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Waits until the server has heard of the last clients that left, or until that has been tried often. */
async function allEnded(): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS * 10 && tally.ended < tally.started; round += 1) {
    await nextMacrotask();
  }
}

/** How much of the heap is in use once garbage has been collected until there is no less of it. */
async function settledHeap(): Promise<number> {
  let lowest = Infinity;
  for (let round = 0, unchanged = 0; round < MAX_ROUNDS && unchanged < 5; round += 1) {
    collectGarbage();
    await nextMacrotask();
    const { heapUsed } = process.memoryUsage();
    unchanged = heapUsed < lowest - 1000 ? 0 : unchanged + 1;
    lowest = Math.min(lowest, heapUsed);
  }
  return lowest;
}

it.each(SERVICES)(
  "20,000 keep-alive requests, a fifth of them aborted, leave nothing behind on %s",
  async (_framework, start) => {
    const service = await start();
    const client = new Client(service.url);
    await sendAll(client, WARM_UP);
    await allEnded();
    const heapBefore = await settledHeap();
    tally = { started: 0, ended: 0, outcomes: new Map() };

    await sendAll(client, REQUESTS);
    await allEnded();
    const heapAfter = await settledHeap();
    client.close();
    await service.close();

    expect(tally.ended).toBe(tally.started);
    expect(Object.fromEntries(tally.outcomes)).toEqual({
      "GET /orders/:id success": REQUESTS * 0.8,
      "look up success": REQUESTS * 0.8,
      "GET /hang/:id cancelled": REQUESTS * 0.1,
      "GET /stream/:id cancelled": REQUESTS * 0.1,
      "first success": REQUESTS * 0.1,
    });
    expect(heapAfter - heapBefore).toBeLessThan(MAX_GROWTH_BYTES);
  },
  TIMEOUT_MS,
);
