import { SpanKind, trace } from "@opentelemetry/api";
import { configureWaybill, setIdentity } from "@waybill/core";
import { afterEach, expect, it } from "vitest";

import { headerOf } from "../support/http-services.ts";
import { spanNamed } from "../support/span-tree.ts";
import { describeServices } from "./traced-service.ts";
import type { Options } from "./traced-service.ts";

function fails(): never {
  throw new Error("the hook failed");
}

describeServices("`onStart` and `onEnd`", (service) => {
  it("get the span, and what is known then", async () => {
    const ends: unknown[] = [];
    await service.start({
      onStart(span, request) {
        span.setAttribute("app.plan", headerOf(request, "x-plan") ?? "");
        setIdentity({ userId: "ada" });
      },
      onEnd(span, { request, ...end }) {
        span.setAttribute("app.answered", true);
        ends.push({ ...end, plan: headerOf(request, "x-plan") });
      },
    });
    await service.get("/orders/1", { "x-plan": "pro" });

    expect(ends).toEqual([
      { statusCode: 200, route: "/orders/:id", error: undefined, plan: "pro" },
    ]);
    expect(service.serverSpan().attributes).toMatchObject({
      "app.plan": "pro",
      "app.answered": true,
      "user.id": "ada",
    });
  });

  it("get the error of a failed request", async () => {
    const errors: unknown[] = [];
    await service.start({ onEnd: (_span, { error }) => void errors.push(error) });
    await service.get("/fail");

    expect(errors.map(String)).toEqual([service.tells ? "Error: out of stock" : "undefined"]);
  });

  it.each<[string, () => unknown]>([
    ["throw", fails],
    ["give a promise that rejects", async () => fails()],
    ["hang", () => new Promise(() => {})],
  ])("change nothing where they %s", async (_title, hook) => {
    await service.start({
      onStart: hook,
      onEnd: hook,
    });
    const { status } = await service.get("/orders/1");
    await service.get("/orders/1");

    expect(status).toBe(200);
    expect(
      service
        .recording()
        .spans()
        .map(({ name }) => name),
    ).toEqual(Array(2).fill("GET /orders/:id"));
    expect(service.warnings()).toContain("`onStart`");
    expect(service.warnings()).toContain("`onEnd`");
  });
});

describeServices("the header `Server-Timing`", (service) => {
  it("is not sent by default", async () => {
    const { headers } = await service.get("/orders/1");

    expect(headers.has("server-timing")).toBe(false);
  });

  it("names the span when asked, beside what the application says", async () => {
    await service.start({ serverTiming: true });
    const plain = await service.get("/orders/1");
    const added = await service.get("/headers");
    const streamed = await service.get("/sse");

    const values = service
      .recording()
      .spans()
      .filter(({ kind }) => kind === SpanKind.SERVER)
      .map((span) => {
        const { traceId, spanId } = span.spanContext();
        return `trace;desc="00-${traceId}-${spanId}-01"`;
      });
    expect(plain.headers.get("server-timing")).toBe(values[0]);
    expect(new Set(added.headers.get("server-timing")?.split(", "))).toEqual(
      new Set(["db;dur=1", values[1]]),
    );
    expect(streamed.headers.get("server-timing")).toBe(values[2]);
  });

  it("is not sent where no SDK is registered", async () => {
    await service.start({ serverTiming: true });
    trace.disable();
    const { headers } = await service.get("/orders/1");

    expect(headers.has("server-timing")).toBe(false);
  });
});

describeServices("`captureContent` of a request", (service) => {
  afterEach(() => configureWaybill({ captureContent: false }));

  const recorded = () =>
    spanNamed(service.recording().spans(), "execute_tool look_up").attributes[
      "gen_ai.tool.call.arguments"
    ];

  it.each<[string, boolean, Options["captureContent"], string | undefined]>([
    ["goes before the process's", false, true, '{"city":"Oslo"}'],
    ["goes before the process's that allows it", true, false, undefined],
    ["may name kinds", false, { toolResults: true }, undefined],
  ])("%s", async (_title, ofProcess, captureContent, expected) => {
    configureWaybill({ captureContent: ofProcess });
    await service.start(captureContent === undefined ? {} : { captureContent });
    await service.get("/tool");

    expect(recorded()).toBe(expected);
  });

  it("goes behind an operation's own", async () => {
    await service.start({ captureContent: true });
    await service.get("/tool?private");

    expect(recorded()).toBeUndefined();
  });
});
