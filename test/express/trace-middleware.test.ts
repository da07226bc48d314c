import { getRequestListener } from "@hono/node-server";
import { diag, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { traceMiddleware } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import express from "express";
import type { Express, NextFunction, Request, Response } from "express";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EXPRESS_VERSIONS, listen, sendRaw } from "../support/http-services.ts";
import type { ExpressVersion } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await recording.stop();
});

/** Sends a request to an app and waits for its span. Resolves with the status, or with 0 if there was no full answer. */
async function request(app: Express, path = "/", init: RequestInit = {}): Promise<number> {
  const service = await listen(app);
  try {
    const response = await fetch(service.url + path, init);
    await response.text();
    return response.status;
  } catch {
    return 0;
  } finally {
    await recording.idle();
    await service.close();
  }
}

function send(_req: Request, res: Response): void {
  res.send("ok");
}

function pass(_req: Request, _res: Response, next: NextFunction): void {
  next();
}

describe.each(EXPRESS_VERSIONS)("the route of a request to $framework", (version) => {
  const { newRouter, tells } = version;

  function tracedApp(): Express {
    const app = version.newApp();
    app.use(traceMiddleware);
    return app;
  }

  async function routeOf(app: Express, path: string): Promise<unknown> {
    await request(app, path);
    return recording.spans().at(-1)?.attributes["http.route"];
  }

  it.each([
    ["/v1/x", "/v1/x"],
    ["/v2/x", "/v2/x"],
    ["/a1/x", "/a1/x"],
    ["/a2/x", "/a2/x"],
    ["/of/acme/x", "/of/:tenant/x"],
    ["/of/of/x", "/of/:tenant/x"],
    ["/of/a%20b/x", "/of/:tenant/x"],
    ["/v1/in/7", "/v1/in/:id"],
    ["/v1/first", "/v1/first"],
    ["/v1/second", "/v1/second"],
    ["/v1/", "/v1"],
  ])("is the one it took, where a router is mounted more than once: %s", async (path, route) => {
    const inner = newRouter();
    inner.get("/:id", send);
    const router = newRouter();
    router.get("/", send);
    router.get("/x", send);
    router.get(["/first", "/second"], send);
    router.use("/in", inner);
    const app = tracedApp();
    app.use("/v1", router);
    app.use("/v2", router);
    app.use(["/a1", "/a2"], router);
    app.use("/of/:tenant", router);

    expect(await routeOf(app, path)).toBe(route);
  });

  it.each([
    ["/sub/77/deep/3", "/sub/:p/deep/:q"],
    ["/sub/77/in/deeper", "/sub/:p/in/deeper"],
    ["/other/in/deeper", "/other/in/deeper"],
    ["/arr1/in/deeper", "/arr1/in/deeper"],
    ["/arr2/in/deeper", "/arr2/in/deeper"],
    ["/routed/in/deeper", "/routed/in/deeper"],
  ])("has the path that a mounted app was reached by: %s", async (path, route) => {
    const deeper = version.newApp();
    deeper.get("/deeper", send);
    const sub = version.newApp();
    sub.get("/deep/:q", send);
    sub.use("/in", deeper);
    const router = newRouter();
    router.use("/routed", sub);
    const app = tracedApp();
    app.use(router);
    app.use("/sub/:p", sub);
    app.use("/other", sub);
    app.use(["/arr1", "/arr2"], sub);

    expect(await routeOf(app, path)).toBe(route);
  });

  it("is unknown where two ways lead to it", async () => {
    const router = newRouter();
    router.get("/x", send);
    const app = tracedApp();
    app.use("/:version", router);
    app.use("/v1", router);

    expect(await routeOf(app, "/v1/x")).toBeUndefined();
    expect(await routeOf(app, "/v2/x")).toBe("/:version/x");
  });

  it("is found when a middleware has rewritten the path", async () => {
    const router = newRouter();
    router.get("/:id", send);
    const app = tracedApp();
    app.use((req, _res, next) => {
      req.url = `/orders${req.url}`;
      next();
    });
    app.use("/orders", router);

    // Before router 2.3 a mount does not know its path, only whether one matches.
    expect(await routeOf(app, "/A-1")).toBe(tells ? "/orders/:id" : undefined);
  });

  it.each(["/passed", "/to-next-route", "/mounted/passed"])(
    "is none where its handler passed the request on and nothing answered: %s",
    async (path) => {
      const router = newRouter();
      router.get("/passed", pass);
      const app = tracedApp();
      app.get("/passed", pass);
      app.get("/to-next-route", (_req, _res, next) => next("route"));
      app.use("/mounted", router);

      expect(await request(app, path)).toBe(404);
      expect(recording.spans().map(({ name }) => name)).toEqual(["GET"]);
    },
  );

  it("is kept where the route itself answers with 404, and where a middleware renders what it found", async () => {
    const app = tracedApp();
    app.get("/orders/:id", (_req, res) => void res.status(404).send("no such order"));
    app.get("/page", pass);
    app.use(send);

    expect(await routeOf(app, "/orders/A-1")).toBe("/orders/:id");
    expect(await routeOf(app, "/page")).toBe("/page");
  });

  it.runIf(tells)("is none where a middleware answers that nothing was found", async () => {
    const app = tracedApp();
    app.get("/passed", pass);
    app.use((_req, res) => void res.status(404).send("nothing here"));

    expect(await routeOf(app, "/passed")).toBeUndefined();
  });

  it("is the one that failed, also where the error is handled above its router", async () => {
    const router = newRouter();
    router.get("/fail/:id", () => {
      throw new Error("out of stock");
    });
    const app = tracedApp();
    app.use("/in", router);
    app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
      res.status(500).send("sorry");
    });

    expect(await routeOf(app, "/in/fail/7")).toBe("/in/fail/:id");
  });

  it.runIf(tells)(
    "is the one that failed, also where the error is handled above its app",
    async () => {
      const sub = version.newApp();
      sub.get("/fail/:id", () => {
        throw new Error("out of stock");
      });
      const router = newRouter();
      router.use("/sub", sub);
      const app = tracedApp();
      app.use("/in", router);
      app.use("/app", sub);
      app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => {
        res.status(500).send("sorry");
      });

      expect(await routeOf(app, "/in/sub/fail/7")).toBe("/in/sub/fail/:id");
      expect(await routeOf(app, "/app/fail/7")).toBe("/app/fail/:id");
    },
  );
});

describe.each(EXPRESS_VERSIONS)("a failure in $framework", ({ newApp, tells }: ExpressVersion) => {
  const exceptions = (): unknown[] =>
    recording
      .spans()
      .filter(({ kind }) => kind === SpanKind.SERVER)
      .flatMap(({ events }) => events.map(({ attributes }) => attributes?.["exception.message"]));

  it.each(["text/event-stream", "text/plain"])(
    "after the first chunk of %s is an error, and no client that left",
    async (contentType) => {
      const app = newApp();
      app.use(traceMiddleware);
      const closed = Promise.withResolvers<void>();
      let unread: ReadableStream | undefined;
      app.get("/", (_req, res) => {
        // It would be cancelled if the client left.
        unread = withSpan("unread", () => ReadableStream.from(["one"]));
        res.once("close", closed.resolve);
        res.setHeader("content-type", contentType);
        res.write("data: 1\n\n");
        throw new RangeError("the model broke");
      });
      const service = await listen(app);
      await expect(fetch(service.url).then((response) => response.text())).rejects.toThrow(Error);
      await closed.promise;

      const errorType = tells ? "RangeError" : "server_disconnected";
      expect(spanTree(recording.spans())).toBe(`\nGET / error: ${errorType}\n`);
      expect(recording.open()).toBe(1);
      expect(spanNamed(recording.spans(), "GET /").attributes).toMatchObject({
        "waybill.outcome": "error",
        "http.response.status_code": 200,
      });
      expect(exceptions()).toEqual(tells ? ["the model broke"] : []);
      await unread?.cancel();
      await service.close();
    },
  );

  it.each([
    ["that an error handler answers with 503 is one, once", "/fail", 503, ["out of stock"]],
    ["that is the client's is an answer", "/bad-request", 400, []],
    ["that was recovered from is none, whatever the answer then is", "/recovered", 503, []],
    ["that replaced another one is the one", "/replaced", 503, ["sold out"]],
  ])("%s", async (_title, path, status, expected) => {
    const app = newApp();
    app.use(traceMiddleware());
    app.get("/bad-request", (_req, _res, next) => {
      next(Object.assign(new Error("no such size"), { status: 400 }));
    });
    app.get(["/fail", "/recovered", "/replaced"], () => {
      throw new Error("out of stock");
    });
    app.use((error: unknown, req: Request, _res: Response, next: NextFunction) => {
      if (req.path === "/recovered") next();
      else next(req.path === "/replaced" ? new Error("sold out") : error);
    });
    app.use((_req: Request, res: Response) => void res.status(503).send("come back later"));
    app.use(
      (error: Error & { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
        res.status(error.status ?? 503).send(error.message);
      },
    );

    expect(await request(app, path)).toBe(status);
    expect(exceptions()).toEqual(tells ? expected : []);
    expect(recording.spans()[0]?.status.code).toBe(
      status === 503 ? SpanStatusCode.ERROR : SpanStatusCode.UNSET,
    );
  });

  it.each([
    ["RangeError", new RangeError("the source broke")],
    ["ECONNRESET", Object.assign(new Error("the source broke"), { code: "ECONNRESET" })],
  ])("of the response's stream is an error with the exception: %s", async (errorType, error) => {
    const app = newApp();
    app.use(traceMiddleware());
    app.get("/", (_req, res) => {
      res.write("one");
      res.destroy(error);
    });

    expect(await request(app)).toBe(0);
    expect(spanTree(recording.spans())).toBe(`\nGET / error: ${errorType}\n`);
    expect(exceptions()).toEqual(["the source broke"]);
  });
});

describe("traceMiddleware for Express", () => {
  it("does not take the SERVER span in which the server was started for one of an HTTP instrumentation", async () => {
    const app = express();
    app.use(traceMiddleware());
    app.get("/", send);
    const tracer = trace.getTracer("http");
    const service = await tracer.startActiveSpan(
      "boot",
      { kind: SpanKind.SERVER },
      async (span) => {
        const listening = await listen(app);
        span.end();
        return listening;
      },
    );
    await fetch(service.url);
    await recording.idle();
    await service.close();

    expect(spanTree(recording.spans())).toBe("\nboot\nGET /\n");
  });

  it("takes an event stream for one, however its header was set", async () => {
    const app = express();
    app.disable("x-powered-by");
    app.use(traceMiddleware());
    app.get("/", (_req, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
    });
    const service = await listen(app);
    const controller = new AbortController();
    await fetch(service.url, { signal: controller.signal });
    controller.abort();
    await recording.idle();
    await service.close();

    expect(spanTree(recording.spans())).toBe("\nGET / cancelled\n");
  });

  it.each([
    ["example.com:8080", { "server.address": "example.com", "server.port": 8080 }],
    ["example.com:99999", { "server.address": "example.com" }],
    ["[::1]:80", { "server.address": "::1", "server.port": 80 }],
    ["user:secret@example.com", {}],
  ])("reads the host %s", async (host, expected) => {
    const app = express();
    app.use(traceMiddleware());
    app.get("/", send);
    const service = await listen(app);
    await sendRaw(service, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await recording.idle();
    await service.close();

    const attributes = Object.entries(spanNamed(recording.spans(), "GET /").attributes);
    expect(Object.fromEntries(attributes.filter(([key]) => key.startsWith("server.")))).toEqual(
      expected,
    );
  });

  it.each([
    [false, "127.0.0.1", "127.0.0.1"],
    [true, "shop.example", "192.0.2.7"],
  ])("believes a proxy's headers if `trust proxy` is %s", async (trusted, server, client) => {
    const app = express();
    app.set("trust proxy", trusted);
    app.use(traceMiddleware());
    app.get("/", send);
    await request(app, "/", {
      headers: { "x-forwarded-host": "shop.example", "x-forwarded-for": "192.0.2.7" },
    });

    expect(spanNamed(recording.spans(), "GET /").attributes).toMatchObject({
      "server.address": server,
      "client.address": client,
      "network.peer.address": "127.0.0.1",
    });
  });

  it("acts once when it is mounted twice, in a mounted app too", async () => {
    const sub = express();
    sub.use(traceMiddleware());
    sub.get("/x", send);
    const app = express();
    app.use(traceMiddleware(), traceMiddleware);
    app.use("/sub", sub);
    await request(app, "/sub/x");

    expect(spanTree(recording.spans())).toBe("\nGET /sub/x\n");
  });

  it("acts once for a request that Express hands on to a traced Hono app", async () => {
    const hono = new Hono().use(traceHono);
    hono.get("/hono/:id", (c) => withSpan("work", () => c.json({})));
    const app = express();
    app.use(traceMiddleware());
    app.use(getRequestListener(hono.fetch));
    await request(app, "/hono/7");

    expect(spanTree(recording.spans())).toBe("\nGET\n  work\n");
  });

  it("says in `diag` that `identify` must not be asynchronous", async () => {
    const warn = vi.fn();
    diag.setLogger({ warn, error() {}, info() {}, debug() {}, verbose() {} });
    const app = express();
    app.use(traceMiddleware({ identify: (async () => ({ userId: "ada" })) as never }));
    app.get("/", send);
    await request(app);
    diag.disable();

    expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining("`identify` returned a promise"),
    ]);
  });
});
