import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";

import { serve } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import { context, propagation } from "@opentelemetry/api";
import { setIdentity, traceToolCall, withSpan } from "@waybill/core";
import type { Identity } from "@waybill/core";
import { setRoute } from "@waybill/core/http";
import type { TraceMiddlewareOptions } from "@waybill/core/http";
import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import express from "express";
import type { Express, NextFunction, Request, Response } from "express";
import express4 from "express-v4";
import { Context, Hono } from "hono";
import type { Env } from "hono";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import Router22 from "router-v2.2";

/** What both frameworks' middlewares are given in the shared tests. */
export interface ServiceOptions {
  readonly accept?: readonly string[];

  /** Gets a header's value by its name. */
  readonly identify?: (header: (name: string) => string | undefined) => Identity;

  /** Further options, whose functions read a request by `headerOf`. */
  readonly options?: TraceMiddlewareOptions<unknown>;

  /** Mount the middleware as it is, without calling it. */
  readonly bare?: boolean;

  /** Let a request get to the middleware only after its client has left. */
  readonly late?: boolean;
}

/** A header of what a framework gives the options' functions: Express's `req`, or Hono's `c`. */
export function headerOf(request: unknown, name: string): string | undefined {
  return request instanceof Context ? request.req.header(name) : (request as Request).get(name);
}

/** A service that listens on a free port. */
export interface Service {
  readonly url: string;

  /** Resolves when a request to `/hang` has got to its handler. */
  readonly hanging: Promise<void>;

  readonly close: () => Promise<void>;
}

/** A version of Express, as its users make an app. */
export interface ExpressVersion {
  readonly framework: string;
  readonly newApp: () => Express;
  readonly newRouter: typeof express.Router;

  /** Whether its router says what failed, and in which order it calls what. */
  readonly tells: boolean;
}

/** The versions of Express whose routers differ. */
export const EXPRESS_VERSIONS: readonly ExpressVersion[] = [
  { framework: "Express", newApp: express, newRouter: express.Router, tells: true },
  {
    framework: "Express with router 2.2",
    newApp: () => Object.defineProperty(express(), "router", { value: Router22() }),
    newRouter: Router22,
    tells: false,
  },
  { framework: "Express 4", newApp: express4, newRouter: express4.Router, tells: false },
];

/** The same small service on each framework. */
export const SERVICES: readonly {
  readonly framework: string;
  readonly start: (options?: ServiceOptions) => Promise<Service>;

  /** Whether a response of 500 comes with the error that it is for. */
  readonly tells: boolean;
}[] = [
  ...EXPRESS_VERSIONS.map((version) => ({
    framework: version.framework,
    tells: version.tells,
    start: (options?: ServiceOptions) => startExpress(version, options),
  })),
  { framework: "Hono", start: startHono, tells: true },
];

async function startExpress(
  { newApp, newRouter }: ExpressVersion,
  { accept, identify, bare, late, options }: ServiceOptions = {},
): Promise<Service> {
  const hanging = Promise.withResolvers<void>();
  const app = newApp();
  if (late) {
    app.use((_req, res, next) => {
      res.once("close", next);
    });
  }
  if (bare) app.use(traceExpress);
  else {
    app.use(
      traceExpress({
        ...options,
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
  const items = newRouter();
  items.get("/items/:itemId", (req, res) => void res.json(req.params));
  const api = newRouter({ mergeParams: true });
  api.use("/v1", items);
  app.use("/api/:tenant", api);
  app.get("/private/me", (_req, res) => void res.json({}));
  app.get("/teapot", (_req, res) => void res.status(418).send("short and stout"));
  app.get("/fail", () => {
    throw new Error("out of stock");
  });
  app.get("/baggage", (_req, res) => void res.json(baggage()));
  app.get("/routed/:rest", (_req, res) => {
    setRoute("/routed/:chosen");
    res.json({});
  });
  app.get("/headers", (_req, res) => {
    res.append("X-Answer", "42");
    res.append("Set-Cookie", "a=1");
    res.append("Server-Timing", "db;dur=1");
    res.json({});
  });
  app.get("/tool", (req, res) => void res.json(useTool("private" in req.query)));
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
  app.get("/cut-off", (req, res) => {
    res.write("one");
    req.socket.destroy();
  });

  return { ...(await listen(app)), hanging: hanging.promise };
}

async function startHono(options: ServiceOptions = {}): Promise<Service> {
  const hanging = Promise.withResolvers<void>();
  const app = honoApp(options, hanging.resolve);
  return { ...(await listenHono(app)), hanging: hanging.promise };
}

/** Serves an Express app, or whatever else listens to requests, on a free port. */
export async function listen(listener: RequestListener): Promise<Omit<Service, "hanging">> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => closeServer(server),
  };
}

/** Serves a Hono app on a free port. */
export async function listenHono<E extends Env>(app: Hono<E>): Promise<Omit<Service, "hanging">> {
  const { promise: listening, resolve: isListening } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, isListening);
  const { port } = await listening;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server as Server) };
}

/** Sends text to a service as it is, and resolves with all that comes back until the service closes the connection. */
export function sendRaw({ url }: Pick<Service, "url">, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  return new Promise((resolve) => {
    socket.once("close", () => resolve(answer));
  });
}

/** The Hono service as an app, for tests without a server. */
export function honoApp(
  { accept, identify, bare, late, options }: ServiceOptions,
  onHang: () => void,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  if (late) {
    app.use(async (c, next) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      c.env.outgoing.once("close", resolve);
      await promise;
      await next();
    });
  }
  if (bare) app.use(traceHono);
  else {
    app.use(
      traceHono({
        ...options,
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
  app.get("/baggage", (c) => c.json(baggage()));
  app.get("/routed/:rest", (c) => {
    setRoute("/routed/:chosen");
    return c.json({});
  });
  app.get("/headers", (c) => {
    c.header("X-Answer", "42");
    c.header("Set-Cookie", "a=1");
    c.header("Server-Timing", "db;dur=1");
    return c.json({});
  });
  app.get("/tool", (c) => c.json(useTool(c.req.query("private") !== undefined)));
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
  app.get("/cut-off", (c) => {
    async function* chunks() {
      yield new TextEncoder().encode("one");
      c.env.incoming.socket.destroy();
    }
    return new Response(ReadableStream.from(chunks()) as ReadableStream<Uint8Array<ArrayBuffer>>);
  });
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text("Internal Server Error", 500),
  );
  return app;
}

/** The baggage that the application sees. */
function baggage(): Record<string, string> {
  const entries = propagation.getBaggage(context.active())?.getAllEntries() ?? [];
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
}

function useTool(isPrivate: boolean): string {
  return traceToolCall(
    {
      tool: "look_up",
      arguments: { city: "Oslo" },
      ...(isPrivate && { captureContent: false }),
    },
    () => "rain",
  );
}

function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
