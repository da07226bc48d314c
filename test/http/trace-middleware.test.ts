import { connect } from "node:net";

import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { withIdentity, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { sendRaw, SERVICES } from "../support/http-services.ts";
import type { Service, ServiceOptions } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;

let recording: Recording;
let service: Service | undefined;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  await recording.stop();
});

describe.each(SERVICES)("traceMiddleware for $framework", ({ start, tells }) => {
  async function get(
    path: string,
    headers: Record<string, string> = {},
    options: ServiceOptions = {},
  ) {
    service ??= await start(options);
    const response = await fetch(service.url + path, { headers });
    const body = await response.text();
    await recording.idle();
    return { status: response.status, body, headers: response.headers };
  }

  it("makes one SERVER span, named by method and route, with the attributes of the HTTP conventions", async () => {
    const { body } = await get("/orders/A-1?token=secret&page=2", { "user-agent": "test/1.0" });

    expect(body).toBe('{"id":"A-1"}');
    expect(spanTree(recording.spans(), { kinds: true })).toBe("\nGET /orders/:id (SERVER)\n");
    const { attributes, status } = spanNamed(recording.spans(), "GET /orders/:id");
    expect(status.code).toBe(SpanStatusCode.UNSET);
    expect(attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/orders/:id",
      "url.scheme": "http",
      "url.path": "/orders/A-1",
      "url.query": "token=REDACTED&page=REDACTED",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(service?.url ?? "").port),
      "client.address": "127.0.0.1",
      "network.peer.address": "127.0.0.1",
      "network.peer.port": expect.any(Number),
      "network.protocol.version": "1.1",
      "user_agent.original": "test/1.0",
    });
  });

  it("works as it is, without being called", async () => {
    await get("/orders/A-1", { baggage: "user.id=forged" }, { bare: true });

    expect(spanTree(recording.spans())).toBe("\nGET /orders/:id\n");
    expect(JSON.stringify(recording.spans()[0]?.attributes)).not.toContain("forged");
  });

  it.each([
    ["/api/acme/v1/items/7", "GET /api/:tenant/v1/items/:itemId"],
    ["/nowhere", "GET"],
    ["/api/acme/v1/nowhere", "GET"],
    ["/teapot", "GET /teapot"],
  ])("names %s truly", async (path, name) => {
    await get(path);

    expect(recording.spans().map((span) => span.name)).toEqual([name]);
    expect(recording.spans()[0]?.attributes["http.route"]).toBe(name.split(" ")[1]);
    expect(recording.spans()[0]?.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("marks a response of 500 as an error, with the exception if the framework tells of it", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { status } = await get("/fail");
    log.mockRestore();

    const { attributes, events, status: spanStatus } = spanNamed(recording.spans(), "GET /fail");
    expect(status).toBe(500);
    expect(spanStatus.code).toBe(SpanStatusCode.ERROR);
    expect(attributes).toMatchObject({
      "http.response.status_code": 500,
      "error.type": tells ? "Error" : "500",
      "waybill.outcome": "error",
    });
    expect(events.map((event) => event.attributes?.["exception.message"])).toEqual(
      tells ? ["out of stock"] : [],
    );
  });

  it("joins the caller's trace", async () => {
    await get("/orders/A-1", { traceparent: TRACEPARENT });

    const span = spanNamed(recording.spans(), "GET /orders/:id");
    expect(span.spanContext().traceId).toBe(TRACE_ID);
    expect(span.parentSpanContext?.spanId).toBe(PARENT_ID);
    expect(span.kind).toBe(SpanKind.SERVER);
  });

  it.each([
    ["empty", ""],
    ["cut off", "00"],
    ["no hex", "00-zz-00-01"],
    ["of version ff", `ff-${TRACE_ID}-${PARENT_ID}-01`],
    ["10,000 characters long", "0".repeat(10_000)],
    ["there twice", `${TRACEPARENT}, ${TRACEPARENT}`],
  ])(
    "answers as usual and begins a new trace when the traceparent is %s",
    async (_title, traceparent) => {
      const { status } = await get("/orders/A-1", { traceparent });

      expect(status).toBe(200);
      const span = spanNamed(recording.spans(), "GET /orders/:id");
      expect(span.parentSpanContext).toBeUndefined();
      expect(span.spanContext().traceId).not.toBe(TRACE_ID);
    },
  );

  it("lets in the listed baggage keys only: as identity, as attributes, and in the baggage itself", async () => {
    const baggage =
      "user.id=ada,session.id=s%201,tenant=acme,http.route=forged,gen_ai.usage.input_tokens=999";
    const { body } = await get(
      "/baggage",
      { baggage },
      { accept: ["user.id", "session.id", "tenant"] },
    );

    expect(JSON.parse(body)).toEqual({ "user.id": "ada", "session.id": "s 1", tenant: "acme" });
    const { attributes } = spanNamed(recording.spans(), "GET /baggage");
    expect(attributes).toMatchObject({ "user.id": "ada", "session.id": "s 1", tenant: "acme" });
    expect(JSON.stringify(recording.spans().map((span) => span.attributes))).not.toMatch(
      /forged|999/,
    );
  });

  it("lets in no baggage by default", async () => {
    const { body } = await get("/baggage", { baggage: "user.id=forged,tenant=acme" });

    expect(JSON.parse(body)).toEqual({});
    expect(recording.spans()[0]?.attributes).not.toHaveProperty("user.id");
  });

  it("takes the identity from `identify` before the baggage, and from `setIdentity` before both", async () => {
    const options: ServiceOptions = {
      accept: ["user.id", "session.id"],
      identify: (header) => ({ userId: header("x-user") ?? "", agent: { version: "7" } }),
    };
    const headers = { "x-user": "from the door", baggage: "user.id=wire,session.id=s-1" };
    await get("/orders/A-1", headers, options);
    await get("/orders/A-1", { ...headers, authorization: "authenticated" });

    expect(recording.spans().map(({ attributes }) => attributes["user.id"])).toEqual([
      "from the door",
      "authenticated",
    ]);
    expect(recording.spans()[0]?.attributes).toMatchObject({
      "session.id": "s-1",
      "waybill.agent.version": "7",
    });
  });

  it("answers as usual when `identify` throws", async () => {
    const { status } = await get(
      "/orders/A-1",
      {},
      {
        identify() {
          throw new Error("no such user");
        },
      },
    );

    expect(status).toBe(200);
    expect(spanTree(recording.spans())).toBe("\nGET /orders/:id\n");
  });

  it("lasts as long as the streamed response, and holds what happens in it", async () => {
    const { body } = await get("/sse");

    expect(body).toBe("data: 1\n\ndata: 2\n\ndata: 3\n\n");
    expect(spanTree(recording.spans())).toBe(`
GET /sse
  step 1
  step 2
  step 3
`);
    expect(recording.endings()).toEqual(["step 1", "step 2", "step 3", "GET /sse"]);
  });

  it("ends as cancelled, and not as an error, when the client leaves an event stream", async () => {
    service = await start();
    const controller = new AbortController();
    const response = await fetch(`${service.url}/endless`, { signal: controller.signal });
    await response.body?.getReader().read();
    const openMeanwhile = recording.open();
    controller.abort();
    await recording.idle();

    expect(openMeanwhile).toBe(1);
    const { attributes, status } = spanNamed(recording.spans(), "GET /endless");
    expect(attributes).toMatchObject({
      "waybill.outcome": "cancelled",
      "http.response.status_code": 200,
    });
    expect(status.code).toBe(SpanStatusCode.UNSET);
  });

  it("is an error without a status code when the client leaves before an ordinary response", async () => {
    service = await start();
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
    socket.write("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await service.hanging;
    socket.destroy();
    await recording.idle();

    const { attributes, status } = spanNamed(recording.spans(), "GET /hang");
    expect(attributes).toMatchObject({
      "waybill.outcome": "cancelled",
      "error.type": "client_disconnected",
    });
    expect(attributes).not.toHaveProperty("http.response.status_code");
    expect(status.code).toBe(SpanStatusCode.ERROR);
  });

  it("is cancelled for a client that has left before the request gets to it", async () => {
    service = await start({ late: true });
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
    socket.write("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n", () => socket.destroy());
    await service.hanging;

    expect(recording.spans().map(({ attributes }) => attributes["waybill.outcome"])).toEqual([
      "cancelled",
    ]);
    expect(recording.open()).toBe(0);
  });

  it("is cancelled, too, for a request that waits behind another one of the client that left", async () => {
    service = await start();
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
    socket.write("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2));
    await service.hanging;
    socket.destroy();
    await recording.idle();

    const ending = " cancelled, error: client_disconnected\n";
    expect(spanTree(recording.spans())).toBe(`\nGET /hang${ending}GET /hang${ending}`);
    expect(recording.spans().flatMap(({ events }) => events)).toEqual([]);
  });

  it("is an error when the server itself cuts the response off", async () => {
    service = await start();
    await fetch(`${service.url}/cut-off`)
      .then((response) => response.text(), String)
      .catch(String);
    await recording.idle();

    expect(spanTree(recording.spans())).toBe("\nGET /cut-off error: server_disconnected\n");
    expect(recording.spans()[0]?.attributes).toMatchObject({
      "waybill.outcome": "error",
      "http.response.status_code": 200,
    });
  });

  it("has nothing to do with what was active when the server started", async () => {
    service = await withIdentity({ userId: "the operator" }, () => withSpan("boot", () => start()));
    await get("/orders/A-1");
    await get("/orders/A-1");

    expect(spanTree(recording.spans())).toBe("\nboot\nGET /orders/:id\nGET /orders/:id\n");
    expect(new Set(recording.spans().map((span) => span.spanContext().traceId)).size).toBe(3);
    expect(recording.spans().map(({ attributes }) => attributes["user.id"])).toEqual([
      "the operator",
      undefined,
      undefined,
    ]);
  });

  it("records the path as it was sent, whatever the form of the request target", async () => {
    service = await start();
    const path = "/orders/a%20b%0A%E3%81%82";
    for (const target of [path, `http://example.com:81${path}?a=b`]) {
      await sendRaw(service, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    }
    await recording.idle();

    expect(recording.spans().map(({ name }) => name)).toEqual(Array(2).fill("GET /orders/:id"));
    expect(recording.spans().map(({ attributes }) => attributes["url.path"])).toEqual([path, path]);
  });

  it("bounds what a client can make it record", async () => {
    service = await start();
    const long = "x".repeat(3000);
    await sendRaw(
      service,
      `GET /${long}?${"=&".repeat(1500)} HTTP/1.1\r\nHost: ${long}\r\nUser-Agent: ${long}\r\nConnection: close\r\n\r\n`,
    );
    await recording.idle();

    const { attributes } = spanNamed(recording.spans(), "GET");
    for (const value of Object.values(attributes)) {
      expect(String(value).length).toBeLessThanOrEqual(2048);
    }
  });

  it("answers as usual when `identify` gives a promise, which may even reject", async () => {
    const identify = (async () => {
      throw new Error("no such user");
    }) as unknown as NonNullable<ServiceOptions["identify"]>;
    const { status } = await get("/orders/A-1", {}, { identify });

    expect(status).toBe(200);
    expect(recording.spans()[0]?.attributes).not.toHaveProperty("user.id");
  });

  it("keeps 100 concurrent requests apart", async () => {
    service = await start();
    const { url } = service;
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        fetch(`${url}/sse`, { headers: { authorization: `user-${index}` } }).then((response) =>
          response.text(),
        ),
      ),
    );
    await recording.idle();

    const users = Map.groupBy(recording.spans(), ({ attributes }) => attributes["user.id"]);
    expect(users.size).toBe(100);
    for (const spans of users.values()) {
      expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
      expect(spans.map(({ name }) => name)).toEqual(["GET /sse", "step 1", "step 2", "step 3"]);
    }
  });

  it("records nothing and changes nothing when no SDK is registered", async () => {
    await recording.stop();
    const before = recording.spans().length;
    const { status, body } = await get("/sse", { traceparent: TRACEPARENT, baggage: "a=1" });

    expect([status, body]).toEqual([200, "data: 1\n\ndata: 2\n\ndata: 3\n\n"]);
    expect(recording.spans()).toHaveLength(before);
    expect(trace.getActiveSpan()).toBeUndefined();
    expect(propagation.getBaggage(context.active())).toBeUndefined();
  });
});
