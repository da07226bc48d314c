import { TraceFlags } from "@opentelemetry/api";
import { expect, it } from "vitest";

import { headerOf } from "../support/http-services.ts";
import { describeServices } from "./traced-service.ts";
import type { Options } from "./traced-service.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const HEADERS = {
  traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
  tracestate: "vendor=value",
  baggage: "user.id=ada,tenant=acme",
};
const baggage = { accept: ["user.id", "tenant"] };

describeServices("what `trust` makes of a caller's trace headers", (service) => {
  it("continues the trace by default", async () => {
    await service.start({ baggage });
    await service.get("/orders/1", HEADERS);

    const span = service.serverSpan();
    expect(span.spanContext().traceId).toBe(TRACE_ID);
    expect(span.spanContext().traceState?.serialize()).toBe("vendor=value");
    expect(span.attributes["user.id"]).toBe("ada");
    expect(span.links).toEqual([]);
  });

  it("begins a trace of its own with a link, without tracestate and baggage", async () => {
    await service.start({ baggage, trust: "link" });
    const { body } = await service.get("/baggage", HEADERS);

    const span = service.serverSpan();
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.spanContext().traceId).not.toBe(TRACE_ID);
    expect(span.spanContext().traceState).toBeUndefined();
    expect(span.links.map(({ context }) => context)).toEqual([
      { traceId: TRACE_ID, spanId: PARENT_ID, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    ]);
    expect(span.attributes).not.toHaveProperty("user.id");
    expect(JSON.parse(body)).toEqual({});
  });

  it("links to nothing where there is no caller's span", async () => {
    await service.start({ trust: "link" });
    await service.get("/orders/1", { traceparent: "00-zz" });

    expect(service.serverSpan().links).toEqual([]);
  });

  it("begins a trace of its own with `ignore`, whose sampling is its own", async () => {
    await service.start({ baggage, trust: "ignore" });
    const unsampled = { ...HEADERS, traceparent: `00-${TRACE_ID}-${PARENT_ID}-00` };
    const { body } = await service.get("/baggage", unsampled);

    const span = service.serverSpan();
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.links).toEqual([]);
    expect(span.attributes).not.toHaveProperty("user.id");
    expect(JSON.parse(body)).toEqual({});
  });

  it("asks a function for each request", async () => {
    await service.start({
      trust: (request) => (headerOf(request, "x-internal") === "yes" ? "continue" : "ignore"),
    });
    await service.get("/orders/1", HEADERS);
    await service.get("/orders/1", { ...HEADERS, "x-internal": "yes" });

    const traceIds = service
      .recording()
      .spans()
      .map((span) => span.spanContext().traceId);
    expect(traceIds.map((traceId) => traceId === TRACE_ID)).toEqual([false, true]);
  });

  it.each<[string, unknown]>([
    [
      "throws",
      () => {
        throw new Error("no idea");
      },
    ],
    ["gives another word", () => "always"],
    ["gives a promise", async () => "continue"],
    [
      "gives a promise that rejects",
      async () => {
        throw new Error("no idea");
      },
    ],
  ])("ignores them, and says so, when the function %s", async (_title, trust) => {
    await service.start({ trust: trust as NonNullable<Options["trust"]> });
    const { status } = await service.get("/orders/1", HEADERS);

    expect(status).toBe(200);
    expect(service.serverSpan().spanContext().traceId).not.toBe(TRACE_ID);
    expect(service.warnings()).toContain("the trace headers were ignored");
  });
});
