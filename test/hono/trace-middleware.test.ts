import { SpanStatusCode } from "@opentelemetry/api";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { honoApp, SERVICES } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

const app = () => honoApp({ accept: ["user.id"], identify: undefined, bare: undefined }, () => {});

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

    expect(await response.json()).toEqual([]);
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

  it("passes a thrown value that is no Error on, and ends as failed", async () => {
    const throwing = new Hono();
    throwing.use(traceMiddleware());
    throwing.get("/", () => {
      // oxlint-disable-next-line no-throw-literal -- Hono hands on what is no Error
      throw "a string";
    });

    await expect(Promise.resolve(throwing.request("/"))).rejects.toBe("a string");
    expect(spanTree(recording.spans())).toBe("\nGET / error: _OTHER\n");
  });

  it("acts once when it is mounted twice", async () => {
    const twice = new Hono();
    twice.use(traceMiddleware(), traceMiddleware);
    twice.get("/", (c) => c.json({}));
    await twice.request("/");

    expect(spanTree(recording.spans())).toBe("\nGET /\n");
  });
});

describe("traceMiddleware for Hono on Node", () => {
  it("runs the producer of a lazily pulled body inside the span, whoever pulls it", async () => {
    const service = await SERVICES[1]?.start();
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
