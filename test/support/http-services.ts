import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { serve } from "@hono/node-server";
import { context, propagation } from "@opentelemetry/api";
import { setIdentity, withSpan } from "@waybill/core";
import type { Identity } from "@waybill/core";
import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import express from "express";
import type { NextFunction, Request, Response } from "express";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";

/** What both frameworks' middlewares are given in the shared tests. */
export interface ServiceOptions {
  readonly accept?: readonly string[];

  /** Gets a header's value by its name. */
  readonly identify?: (header: (name: string) => string | undefined) => Identity;

  /** Mount the middleware as it is, without calling it. */
  readonly bare?: boolean;
}

/** A service that listens on a free port. */
export interface Service {
  readonly url: string;

  /** Resolves when a request to `/hang` has arrived. */
  readonly hanging: Promise<void>;

  readonly close: () => Promise<void>;
}

/** The same small service on each framework. */
export const SERVICES: readonly {
  readonly framework: string;
  readonly start: (options?: ServiceOptions) => Promise<Service>;
}[] = [
  { framework: "Express", start: startExpress },
  { framework: "Hono", start: startHono },
];

async function startExpress({ accept, identify, bare }: ServiceOptions = {}): Promise<Service> {
  const hanging = Promise.withResolvers<void>();
  const app = express();
  if (bare) app.use(traceExpress);
  else {
    app.use(
      traceExpress({
        ...(accept && { baggage: { accept } }),
        ...(identify && { identify: (req) => identify((name) => req.get(name)) }),
      }),
    );
  }
  app.use((req: Request, res: Response, next: NextFunction) => {
    if (req.path.startsWith("/private") && !req.get("authorization")) {
      res.status(401).end();
      return;
    }
    const userId = req.get("authorization");
    if (userId) setIdentity({ userId });
    next();
  });
  app.get("/orders/:id", (req, res) => void res.json({ id: req.params.id }));
  const items = express.Router();
  items.get("/items/:itemId", (req, res) => void res.json(req.params));
  const api = express.Router({ mergeParams: true });
  api.use("/v1", items);
  app.use("/api/:tenant", api);
  app.get("/private/me", (_req, res) => void res.json({}));
  app.get("/teapot", (_req, res) => void res.status(418).send("short and stout"));
  app.get("/fail", () => {
    throw new Error("out of stock");
  });
  app.get("/baggage", (_req, res) => void res.json(baggageKeys()));
  app.get("/sse", async (_req, res) => {
    res.setHeader("content-type", "text/event-stream");
    for (const step of [1, 2, 3]) {
      await withSpan(`step ${step}`, async () => void res.write(`data: ${step}\n\n`));
    }
    res.end();
  });
  app.get("/endless", (_req, res) => {
    res.setHeader("content-type", "text/event-stream");
    res.write("data: first\n\n");
  });
  app.get("/hang", () => hanging.resolve());

  // oxlint-disable-next-line typescript/no-misused-promises -- an Express app is a request listener
  const server = createServer(app);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hanging: hanging.promise,
    close: () => closeServer(server),
  };
}

async function startHono({ accept, identify, bare }: ServiceOptions = {}): Promise<Service> {
  const hanging = Promise.withResolvers<void>();
  const app = honoApp({ accept, identify, bare }, hanging.resolve);
  const { promise: listening, resolve: isListening } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, isListening);
  const { port } = await listening;
  return {
    url: `http://127.0.0.1:${port}`,
    hanging: hanging.promise,
    close: () => closeServer(server as ReturnType<typeof createServer>),
  };
}

/** The Hono service as an app, for tests without a server. */
export function honoApp(
  { accept, identify, bare }: { [K in keyof ServiceOptions]: ServiceOptions[K] | undefined },
  onHang: () => void,
): Hono {
  const app = new Hono();
  if (bare) app.use(traceHono);
  else {
    app.use(
      traceHono({
        ...(accept && { baggage: { accept } }),
        ...(identify && { identify: (c) => identify((name) => c.req.header(name)) }),
      }),
    );
  }
  app.use(async (c, next) => {
    const userId = c.req.header("authorization");
    if (c.req.path.startsWith("/private") && !userId) return c.body(null, 401);
    if (userId) setIdentity({ userId });
    return next();
  });
  app.get("/orders/:id", (c) => c.json({ id: c.req.param("id") }));
  const items = new Hono();
  items.get("/items/:itemId", (c) => c.json(c.req.param()));
  const api = new Hono();
  api.route("/v1", items);
  app.route("/api/:tenant", api);
  app.get("/private/me", (c) => c.json({}));
  app.get("/teapot", (c) => c.text("short and stout", 418));
  app.get("/fail", () => {
    throw new Error("out of stock");
  });
  app.get("/forbidden", () => {
    throw new HTTPException(403, { message: "not yours" });
  });
  app.get("/baggage", (c) => c.json(baggageKeys()));
  app.get("/sse", (c) =>
    streamSSE(c, async (stream) => {
      for (const step of [1, 2, 3]) {
        await withSpan(`step ${step}`, () => stream.writeSSE({ data: String(step) }));
      }
    }),
  );
  app.get("/lazy", () => {
    async function* chunks() {
      for (const step of [1, 2])
        yield withSpan(`step ${step}`, () => new TextEncoder().encode(`${step}`));
    }
    return new Response(ReadableStream.from(chunks()) as ReadableStream<Uint8Array<ArrayBuffer>>, {
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
  });
  app.get("/broken", () => {
    async function* chunks() {
      yield new TextEncoder().encode("one");
      throw new RangeError("the stream broke");
    }
    return new Response(ReadableStream.from(chunks()) as ReadableStream<Uint8Array<ArrayBuffer>>);
  });
  app.get("/endless", (c) =>
    streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: "first" });
      await new Promise<void>((resolve) => {
        stream.onAbort(resolve);
      });
    }),
  );
  app.get("/hang", async () => {
    onHang();
    await new Promise<never>(() => {});
    return new Response();
  });
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text("Internal Server Error", 500),
  );
  return app;
}

function baggageKeys(): string[] {
  return (propagation.getBaggage(context.active())?.getAllEntries() ?? []).map(([key]) => key);
}

function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
