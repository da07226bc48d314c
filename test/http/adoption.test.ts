import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { context, createContextKey, SpanKind, trace } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { RequestTracer } from "@waybill/core/http";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { SERVICES } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import type { Plan, Report } from "./fixtures/instrumented-service.ts";

const run = promisify(execFile);
const FIXTURE = fileURLToPath(new URL("fixtures/instrumented-service.ts", import.meta.url));
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const CALLER = {
  traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
  baggage: "user.id=ada,tenant=acme,http.route=forged",
};

/** As JSON has it. */
const SERVER: number = SpanKind.SERVER;
const TIMEOUT_MS = 60_000;

/** Carries a plan out in a process of its own. */
async function reportOf(plan: Partial<Plan> & Pick<Plan, "framework">): Promise<Report> {
  const whole: Plan = { sampled: true, options: {}, paths: [], headers: {}, ...plan };
  const { stdout } = await run(
    process.execPath,
    ["--conditions=@waybill/source", FIXTURE, JSON.stringify(whole)],
    { encoding: "utf8" },
  );
  return JSON.parse(stdout) as Report;
}

describe.each(SERVICES)(
  "beside OpenTelemetry's HTTP instrumentation: $framework",
  ({ framework, tells }) => {
    it(
      "there is one SERVER span, with route, identity, error and outcome, whoever the caller is",
      async () => {
        const { spans, routes, bodies, warnings } = await reportOf({
          framework,
          options: { baggage: { accept: ["user.id"] }, responseHeaders: ["x-answer"] },
          paths: [
            "/baggage",
            "/api/acme/v1/items/7",
            "/headers",
            "/sse",
            "/nowhere",
            "/fail",
            "/hang",
          ],
          headers: { ...CALLER },
        });

        const servers = spans.filter(({ kind }) => kind === SERVER);
        expect(servers.map(({ name }) => name)).toEqual([
          "GET /baggage",
          "GET /api/:tenant/v1/items/:itemId",
          "GET /headers",
          "GET /sse",
          "GET",
          "GET /fail",
          "GET /hang",
        ]);
        expect(new Set(servers.map(({ scope }) => scope))).toEqual(
          new Set(["@opentelemetry/instrumentation-http"]),
        );
        expect(servers.map(({ parentId }) => parentId)).toEqual([
          ...Array(6).fill(PARENT_ID),
          undefined,
        ]);
        expect(servers[0]?.attributes).toMatchObject({
          "user.id": "ada",
          "http.route": "/baggage",
        });
        expect(servers[2]?.attributes).toMatchObject({ "http.response.header.x-answer": ["42"] });
        expect(servers[5]).toMatchObject({
          status: 2,
          events: tells ? ["exception"] : [],
          attributes: { "waybill.outcome": "error" },
        });
        expect(servers[6]).toMatchObject({
          status: 2,
          attributes: { "waybill.outcome": "cancelled", "error.type": "client_disconnected" },
        });
        expect(JSON.parse(bodies[0] ?? "")).toEqual({ "user.id": "ada" });
        expect(
          spans.filter(({ name }) => name.startsWith("step")).map(({ traceId }) => traceId),
        ).toEqual(Array(3).fill(TRACE_ID));
        expect(new Set(routes)).toEqual(
          new Set(servers.map(({ attributes }) => attributes["http.route"] ?? null)),
        );
        expect(warnings).toEqual([]);
      },
      TIMEOUT_MS,
    );
  },
);

describe.concurrent.each(["Express", "Hono"])(
  "the span of OpenTelemetry's HTTP instrumentation: %s",
  (framework) => {
    it(
      "is adopted, too, when no sampler wanted it: its metric knows the route",
      async () => {
        const { spans, kinds, routes, bodies } = await reportOf({
          framework,
          sampled: false,
          options: { baggage: { accept: ["tenant"] } },
          paths: ["/baggage", "/orders/1"],
          headers: { ...CALLER },
        });

        expect(spans).toEqual([]);
        expect(kinds).toEqual([SpanKind.SERVER, SpanKind.SERVER]);
        expect(new Set(routes)).toEqual(new Set(["/baggage", "/orders/:id"]));
        expect(JSON.parse(bodies[0] ?? "")).toEqual({ tenant: "acme" });
      },
      TIMEOUT_MS,
    );

    it(
      "leaves only baggage and identity for `trust` to govern, which says so once",
      async () => {
        const { spans, bodies, warnings } = await reportOf({
          framework,
          options: { trust: "link", baggage: { accept: ["user.id"] } },
          paths: ["/baggage", "/baggage"],
          headers: { ...CALLER },
        });

        expect(spans.map(({ name, traceId }) => `${name} ${traceId}`)).toEqual(
          Array(2).fill(`GET /baggage ${TRACE_ID}`),
        );
        expect(spans[0]?.attributes).not.toHaveProperty("user.id");
        expect(bodies.map((body) => JSON.parse(body))).toEqual([{}, {}]);
        expect(warnings.filter((warning) => warning.includes('`trust` is "link"'))).toHaveLength(1);
      },
      TIMEOUT_MS,
    );

    it(
      "loses what it recorded of the URL that is not to be recorded",
      async () => {
        const { spans } = await reportOf({ framework, paths: ["/orders/1?token=s3cret&page=2"] });

        expect(spans[0]?.attributes["url.query"]).toBe("token=REDACTED&page=REDACTED");
      },
      TIMEOUT_MS,
    );

    it(
      "may be left alone: then ours is below it",
      async () => {
        const { spans } = await reportOf({
          framework,
          options: { adopt: "never" },
          paths: ["/orders/1"],
        });

        expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
          ["GET", SpanKind.SERVER],
          ["GET /orders/:id", SpanKind.SERVER],
        ]);
        expect(spans[1]?.traceId).toBe(spans[0]?.traceId);
      },
      TIMEOUT_MS,
    );
  },
);

describe("a SERVER span at the door", () => {
  let recording: Recording;
  beforeEach(() => {
    recording = startRecording();
  });
  afterEach(() => recording.stop());

  const tracer = () => trace.getTracer("somebody");
  const app = (): Hono =>
    new Hono()
      .use(traceMiddleware())
      .get("/orders/:id", (c) => withSpan("work", () => c.json({})))
      .get("/calls", (c) => app().request("/orders/1", {}, c.env));

  it("of a request within the process is adopted, and no other request's is", async () => {
    await tracer().startActiveSpan("fetchHandler", { kind: SpanKind.SERVER }, async (span) => {
      await (await app().request("/calls")).text();
      span.end();
    });

    expect(spanTree(recording.spans())).toBe("\nGET /calls\n  GET /orders/:id\n    work\n");
  });

  it("is none that is not a SERVER span", async () => {
    await withSpan("job", async () => (await app().request("/orders/1")).text());

    expect(spanTree(recording.spans())).toBe("\njob\n  GET /orders/:id\n    work\n");
  });

  it("is none that has ended, metadata or not", async () => {
    const span = tracer().startSpan("before", { kind: SpanKind.SERVER });
    span.end();
    const key = createContextKey("OpenTelemetry SDK Context Key RPC_METADATA");
    const stale = trace.setSpan(context.active(), span).setValue(key, { type: "http", span });
    await context.with(stale, async () => (await app().request("/orders/1")).text());

    expect(recording.spans().map(({ name }) => name)).toEqual([
      "before",
      "GET /orders/:id",
      "work",
    ]);
  });

  it("is any span that is active there on Deno, whose own ones do not tell their kind", () => {
    const span = tracer().startSpan("GET");
    Object.defineProperty(span, "kind", { value: undefined });
    Object.assign(globalThis, { Deno: {} });
    const request = context.with(trace.setSpan(context.active(), span), () =>
      new RequestTracer({}).start({
        request: undefined,
        describe: () => ({
          method: "GET",
          scheme: "http",
          path: "/",
          query: "",
          header: () => undefined,
        }),
      }),
    );
    Reflect.deleteProperty(globalThis, "Deno");
    request.answered({ request: undefined, route: () => "/", header: () => undefined });
    request.end({ statusCode: 200 });
    span.end();

    expect(request.adopted).toBe(true);
    expect(spanTree(recording.spans())).toBe("\nGET /\n");
  });
});
