import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { createAdaptorServer } from "@hono/node-server";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { setIdentity, withIdentity, withSpan } from "@waybill/core";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { honoApp, listenHono, SERVICES } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

function tracedApp(): Hono {
  return new Hono().use(traceMiddleware());
}

function fails(): never {
  throw new Error("not like this");
}

const app = () => honoApp({ accept: ["user.id"] }, () => {});

describe("traceMiddleware for Hono without a server", () => {
  it("ends with the handler where the body is known", async () => {
    const response = await app().request("/orders/A-1");

    expect(recording.open()).toBe(0);
    expect(await response.json()).toEqual({ id: "A-1" });
    expect(spanTree(recording.spans())).toBe("\nGET /orders/:id\n");
  });

  it("ends with the body where it is streamed, and runs its producer inside the span", async () => {
    const response = await app().request("/lazy");
    const openBefore = recording.open();
    const body = await response.text();

    expect([openBefore, recording.open()]).toEqual([1, 0]);
    expect(body).toBe("12");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(spanTree(recording.spans())).toBe(`
GET /lazy
  step 1
  step 2
`);
  });

  it("is an error with the exception when the body's stream breaks, and the reader gets the same error", async () => {
    const response = await app().request("/broken");

    await expect(response.text()).rejects.toThrow("the stream broke");
    const { status, attributes, events } = spanNamed(recording.spans(), "GET /broken");
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes["error.type"]).toBe("RangeError");
    expect(events.map(({ name }) => name)).toEqual(["exception"]);
  });

  it("ends as cancelled when the body's reader goes away", async () => {
    const response = await app().request("/endless");
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();

    expect(spanTree(recording.spans())).toBe("\nGET /endless cancelled\n");
  });

  it("ends as cancelled when the request's signal aborts", async () => {
    const controller = new AbortController();
    await app().request("/lazy", { signal: controller.signal });
    controller.abort();

    expect(recording.open()).toBe(0);
    expect(spanTree(recording.spans())).toBe("\nGET /lazy cancelled, error: client_disconnected\n");
  });

  it("ends for HEAD, whose body nobody reads", async () => {
    await app().request("/lazy", { method: "HEAD" });

    expect(recording.open()).toBe(0);
  });

  it("answers as usual when 100 KB of baggage arrive, and takes none of it", async () => {
    const baggage = `user.id=ada,pad=${"x".repeat(100_000)}`;
    const response = await app().request("/baggage", { headers: { baggage } });

    expect(await response.json()).toEqual({});
    expect(spanNamed(recording.spans(), "GET /baggage").attributes).not.toHaveProperty("user.id");
  });

  it("takes an HTTPException of 4xx for an answer, not for an error", async () => {
    const response = await app().request("/forbidden");
    await response.text();

    const { status, events, attributes } = spanNamed(recording.spans(), "GET /forbidden");
    expect(response.status).toBe(403);
    expect(status.code).toBe(SpanStatusCode.UNSET);
    expect(events).toEqual([]);
    expect(attributes).not.toHaveProperty("error.type");
  });

  it.each([["a string"], [undefined]])(
    "passes a thrown value that is no Error on, and ends as failed: %s",
    async (value) => {
      const throwing = tracedApp();
      throwing.get("/", () => {
        throw value;
      });

      await expect(Promise.resolve(throwing.request("/"))).rejects.toBe(value);
      expect(spanTree(recording.spans())).toBe("\nGET / error: _OTHER\n");
      expect(recording.spans()[0]?.events.map(({ name }) => name)).toEqual(["exception"]);
    },
  );

  it("records no status when the request's signal aborts before there is a response", async () => {
    const controller = new AbortController();
    const aborting = tracedApp();
    aborting.get("/orders/:id", (c) => {
      c.header("x-before", "1");
      controller.abort();
      return c.text("too late", 201);
    });
    const response = await aborting.request("/orders/A-1", { signal: controller.signal });

    expect([response.status, response.headers.get("x-before")]).toEqual([201, "1"]);
    const { attributes } = spanNamed(recording.spans(), "GET /orders/:id");
    expect(attributes).toMatchObject({
      "error.type": "client_disconnected",
      "waybill.outcome": "cancelled",
    });
    expect(attributes).not.toHaveProperty("http.response.status_code");
  });

  it("ends at once when the request's signal has aborted before it came here", async () => {
    const pending = tracedApp();
    pending.get("/", () => new Promise<never>(() => {}));
    void pending.request("/", { signal: AbortSignal.abort() });

    expect(recording.open()).toBe(0);
    expect(spanTree(recording.spans())).toBe("\nGET / cancelled, error: client_disconnected\n");
  });

  it.each<[string, (response: Response) => unknown]>([
    ["locked", (response) => response.body?.getReader()],
    ["used", (response) => response.text()],
  ])("ends with the handler where the body is %s already", async (_title, take) => {
    const taken = tracedApp();
    taken.use(async (c, next) => {
      await next();
      await take(c.res);
    });
    taken.get("/", () => new Response("one"));
    await taken.request("/");

    expect(recording.open()).toBe(0);
    expect(spanTree(recording.spans())).toBe("\nGET /\n");
  });

  it("ends as abandoned when nobody reads the body and it is collected as garbage", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const text = tracedApp();
    text.get("/", (c) => c.text("never read"));
    const controller = new AbortController();
    await text.request("/", { signal: controller.signal });
    for (let round = 0; round < 100 && recording.open() > 0; round += 1) {
      collectGarbage();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }

    expect(controller.signal.aborted).toBe(false);
    expect(spanTree(recording.spans())).toBe("\nGET / abandoned\n");
  });

  it("follows a body of `application/json-seq`, which is a stream", async () => {
    const sequence = tracedApp();
    sequence.get("/", () => {
      const items = ReadableStream.from([new Uint8Array([0x1e])]);
      return new Response(items, {
        headers: { "content-type": "application/json-seq" },
      });
    });
    const response = await sequence.request("/");
    const openBefore = recording.open();
    await response.arrayBuffer();

    expect([openBefore, recording.open()]).toEqual([1, 0]);
  });

  it("records the path as it was sent", async () => {
    const path = "/orders/a%20b%0A%E3%81%82";
    await app().request(`${path}?x=1#y`);

    expect(spanNamed(recording.spans(), "GET /orders/:id").attributes["url.path"]).toBe(path);
  });

  it("is below what is active where the request is made, with the identity of that", async () => {
    await withIdentity({ userId: "ada" }, () =>
      withSpan("job", async () => app().request("/orders/A-1")),
    );

    expect(spanTree(recording.spans())).toBe("\njob\n  GET /orders/:id\n");
    expect(recording.spans().map(({ attributes }) => attributes["user.id"])).toEqual([
      "ada",
      "ada",
    ]);
  });

  it.each<[string, unknown]>([
    ["no `server`", { server: null }],
    ["another `server`", { server: "https://example.com" }],
    ["no connection", { incoming: null, outgoing: { prependOnceListener() {} } }],
    [
      "a request without a socket",
      { incoming: { socket: null }, outgoing: { prependOnceListener() {} } },
    ],
    ["no members that can be read", new Proxy({}, { get: fails })],
    [
      "a response that cannot be listened to",
      { incoming: { socket: {} }, outgoing: { prependOnceListener: fails } },
    ],
    ["no object", 5],
  ])("answers as usual where `env` has %s", async (_title, env) => {
    const response = await app().request("/orders/A-1", {}, env as never);

    expect(await response.json()).toEqual({ id: "A-1" });
    expect(recording.open()).toBe(0);
  });

  it("acts once when it is mounted twice", async () => {
    const twice = new Hono();
    twice.use(traceMiddleware(), traceMiddleware);
    twice.get("/", (c) => c.json({}));
    await twice.request("/");

    expect(spanTree(recording.spans())).toBe("\nGET /\n");
  });
});

describe("the route of a request to Hono", () => {
  it.each([
    ["as it is", traceMiddleware],
    ["called", traceMiddleware()],
  ])("is not the path that the middleware is mounted on, %s", async (_title, middleware) => {
    const guarded = new Hono();
    guarded.use("/api/*", middleware);
    guarded.use("/api/closed/*", async (c) => c.text("no", 403));
    guarded.get("/api/closed/:id", (c) => c.text("never"));
    guarded.get("/api/open/:id", (c) => c.json({}));
    for (const path of ["closed/1", "open/1", "nowhere"])
      await (await guarded.request(`/api/${path}`)).text();

    expect(recording.spans().map(({ name }) => name)).toEqual([
      "GET /api/closed/:id",
      "GET /api/open/:id",
      "GET",
    ]);
  });

  it("is not the path of a middleware of any number of parameters", async () => {
    const shop = tracedApp();
    shop.use("/api/*", async (...[c, next]) => {
      if (c.req.query("closed") !== undefined) return c.text("no", 403);
      return next();
    });
    shop.get("/api/orders/:id", (c) => c.json({}));
    for (const path of ["orders/1", "orders/1?closed", "nowhere"])
      await (await shop.request(`/api/${path}`)).text();

    expect(recording.spans().map(({ name }) => name)).toEqual([
      "GET /api/orders/:id",
      "GET /api/orders/:id",
      "GET",
    ]);
  });

  it("is none where its handler passed the request on and nothing answered", async () => {
    const shop = tracedApp();
    shop.get("/passed", (_c, next) => next());
    shop.get("/not-found", (c) => c.notFound());
    for (const path of ["/passed", "/not-found"]) await (await shop.request(path)).text();

    expect(recording.spans().map(({ name }) => name)).toEqual(["GET", "GET /not-found"]);
  });
});

describe("an app within an app", () => {
  /** Its own SERVER span or not, and a span below it. */
  function innerApp(): Hono {
    return tracedApp().get("/orders/:id", (c) => withSpan("inner work", () => c.json({})));
  }

  function outerApp(): Hono {
    const inner = innerApp();
    const outer = tracedApp();
    outer.use(async (_c, next) => {
      setIdentity({ userId: "ada" });
      await next();
    });
    outer.mount("/mounted", inner.fetch);
    outer.mount("/whole", inner.fetch, { replaceRequest: false });
    outer.get("/orders/:id", (c) => inner.fetch(c.req.raw));
    outer.get("/calls", (c) => inner.request("/orders/7", {}, c.env));
    return outer;
  }

  const users = () => recording.spans().map(({ attributes }) => attributes["user.id"]);
  const MOUNTED = "\nGET /mounted/*\n  inner work\n";
  const CALLED = "\nGET /calls\n  GET /orders/:id\n    inner work\n";
  const SAME = "\nGET /orders/:id\n  inner work\n";

  it.each([
    ["/mounted/orders/a%20b?x=1", MOUNTED],
    ["/orders/7", SAME],
    ["/calls", CALLED],
  ])(
    "acts once for the request that it is handed, and for each that is made to it: %s",
    async (path, tree) => {
      await (await outerApp().request(path, { headers: { "x-a": "1" } })).text();

      expect(spanTree(recording.spans())).toBe(tree);
      expect(new Set(users())).toEqual(new Set(["ada"]));
    },
  );

  it.each([
    ["/mounted/orders/a%20b?x=1", MOUNTED],
    ["/orders/7", SAME],
    ["/calls", CALLED],
  ])("does so over a connection, too: %s", async (path, tree) => {
    const service = await listenHono(outerApp());
    await (await fetch(service.url + path)).text();
    await recording.idle();
    await service.close();

    expect(spanTree(recording.spans())).toBe(tree);
    expect(new Set(users())).toEqual(new Set(["ada"]));
  });

  it("keeps an identity that is set within a request of its own there", async () => {
    const inner = tracedApp().get("/", (c) => {
      setIdentity({ userId: "ben" });
      return withSpan("inner work", () => c.json({}));
    });
    const outer = tracedApp().get("/", async (c) => {
      setIdentity({ userId: "ada", sessionId: "s-1" });
      await inner.request("/", { method: "GET", headers: { "x-inner": "1" } });
      return withSpan("outer work", () => c.json({}));
    });
    await outer.request("/");

    expect(spanTree(recording.spans())).toBe("\nGET /\n  GET /\n    inner work\n  outer work\n");
    expect(users()).toEqual(["ada", "ben", "ben", "ada"]);
    expect(recording.spans()[1]?.attributes["session.id"]).toBe("s-1");
  });
});

describe("traceMiddleware for Hono on Node", () => {
  it("adopts the SERVER span of an instrumentation that ends it before the response is over", async () => {
    const traced = tracedApp().get("/", (c) => c.json({}));
    const instrumented = new Hono().use((_c, next) =>
      trace
        .getTracer("http")
        .startActiveSpan("HTTP GET", { kind: SpanKind.SERVER }, async (span) => {
          await next();
          span.end();
        }),
    );
    const service = await listenHono(instrumented.route("/", traced));
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await fetch(service.url, { headers: { traceparent } });
    await recording.idle();
    await service.close();

    expect(spanTree(recording.spans())).toBe("\nGET /\n");
  });

  it("sees a client leave that speaks HTTP/2", async () => {
    const endless = app().get("/endless-stream", () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("data: first\n\n")),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const server = createAdaptorServer({ fetch: endless.fetch, createServer });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const path of ["/orders/A-1", "/endless-stream", "/broken"]) {
      const stream = session.request({ ":path": path });
      stream.on("error", () => {});
      await new Promise((resolve) => {
        stream.once(path === "/endless-stream" ? "data" : "close", resolve);
        stream.resume();
      });
      stream.close();
      await recording.idle();
    }
    session.destroy();
    server.close();

    expect(spanTree(recording.spans())).toBe(
      "\nGET /orders/:id\nGET /endless-stream cancelled\nGET /broken error: RangeError\n",
    );
  });

  it("runs the producer of a lazily pulled body inside the span, whoever pulls it", async () => {
    const service = await SERVICES.at(-1)?.start();
    const response = await fetch(`${service?.url}/lazy`);
    const body = await response.text();
    await recording.idle();
    await service?.close();

    expect(body).toBe("12");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(spanTree(recording.spans())).toBe(`
GET /lazy
  step 1
  step 2
`);
  });
});
