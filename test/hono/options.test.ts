import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { withSpan } from "@waybill/core";
import { traceMiddleware } from "@waybill/hono";
import type { TraceMiddlewareOptions } from "@waybill/hono";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

function appWith(options: TraceMiddlewareOptions): Hono {
  return new Hono()
    .use(traceMiddleware(options))
    .get("/text/:id", (c) => c.text("text", 200, { "x-answer": "42" }))
    .get("/json", (c) => c.json({}))
    .get("/fetched", async () => {
      const fetched = await fetch("data:text/plain,fetched");
      return fetched;
    })
    .get("/throws", () => {
      // oxlint-disable-next-line no-throw-literal -- what Hono does not handle
      throw "a string";
    });
}

describe("the options of traceMiddleware for Hono without a server", () => {
  it("are at work when the body is read to its end", async () => {
    const ends: unknown[] = [];
    const app = appWith({
      spanName: ({ route, request }) => `${route} of ${request.req.query("of")}`,
      responseHeaders: ["x-answer", "set-cookie2"],
      onEnd: (_span, { request, ...end }) => void ends.push([end, request?.req.path]),
    });
    const response = await app.request("/text/1?of=ada");
    expect(ends).toEqual([]);
    await response.text();

    expect(ends).toEqual([[{ statusCode: 200, route: "/text/:id", error: undefined }, "/text/1"]]);
    expect(spanTree(recording.spans())).toBe("\n/text/:id of ada\n");
    expect(recording.spans()[0]?.attributes).toMatchObject({
      "http.response.header.x-answer": ["42"],
    });
  });

  it("are at work when the application throws what Hono does not handle", async () => {
    const ends: unknown[] = [];
    const app = appWith({
      onEnd: (_span, { error, route, statusCode }) => void ends.push({ error, route, statusCode }),
    });

    await expect(Promise.resolve(app.request("/throws"))).rejects.toBe("a string");
    expect(ends).toEqual([{ error: "a string", route: "/throws", statusCode: undefined }]);
  });

  it("keep no response from being collected that nobody reads", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const ends: unknown[] = [];
    const app = appWith({ onEnd: (_span, { request }) => void ends.push(request) });
    await app.request("/text/1");
    for (let round = 0; round < 100 && recording.open() > 0; round += 1) {
      collectGarbage();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }

    expect(ends).toEqual([undefined]);
    expect(spanTree(recording.spans())).toBe("\nGET /text/:id abandoned\n");
  });

  it.each(["/text/1", "/json", "/fetched"])(
    "add `Server-Timing` to any response: %s",
    async (path) => {
      const response = await appWith({ serverTiming: true }).request(path);
      await response.text();

      const { traceId, spanId } = recording.spans()[0]?.spanContext() ?? {};
      expect(response.headers.get("server-timing")).toBe(`trace;desc="00-${traceId}-${spanId}-01"`);
    },
  );

  it.each(["link", "ignore"] as const)(
    "leave a call below its caller in the process, whatever its headers say: `trust` is %s",
    async (trust) => {
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      await withSpan("job", async () =>
        appWith({ trust }).request("/json", { headers: { traceparent } }),
      );

      expect(spanTree(recording.spans())).toBe("\njob\n  GET /json\n");
      expect(recording.spans()[1]?.links).toHaveLength(trust === "link" ? 1 : 0);
    },
  );
});
