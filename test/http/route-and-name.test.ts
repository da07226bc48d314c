import { trace } from "@opentelemetry/api";
import { setRoute } from "@waybill/core/http";
import { setRoute as setExpressRoute } from "@waybill/express";
import { setRoute as setHonoRoute } from "@waybill/hono";
import { expect, it } from "vitest";

import { headerOf } from "../support/http-services.ts";
import { spanTree } from "../support/span-tree.ts";
import { describeServices } from "./traced-service.ts";
import type { Options } from "./traced-service.ts";

function fails(): never {
  throw new Error("no idea");
}

describeServices("the route and the name of a request", (service) => {
  const nameAndRoute = () => {
    const { name, attributes } = service.serverSpan();
    return [name, attributes["http.route"]];
  };

  it("are what `setRoute` says within it", async () => {
    await service.start({ route: () => "/by/option" });
    await service.get("/routed/x");

    expect(nameAndRoute()).toEqual(["GET /routed/:chosen", "/routed/:chosen"]);
  });

  it("are what the option `route` says, before the router", async () => {
    await service.start({ route: (request) => headerOf(request, "x-route") });
    await service.get("/nowhere", { "x-route": "/catalog/:page" });

    expect(nameAndRoute()).toEqual(["GET /catalog/:page", "/catalog/:page"]);
  });

  it("keep the route that the application has written on the span itself", async () => {
    await service.start({
      onStart: (span) => void span.setAttribute("http.route", "/mine/:id"),
    });
    await service.get("/orders/1");

    expect(nameAndRoute()).toEqual(["GET /mine/:id", "/mine/:id"]);
  });

  it.each<[string, unknown]>([
    ["says nothing", () => undefined],
    ["throws", fails],
    ["gives no text", () => 5],
    ["gives a promise", async () => fails()],
  ])("are the router's where the option `route` %s", async (_title, route) => {
    await service.start({ route: route as NonNullable<Options["route"]> });
    const { status } = await service.get("/orders/1");

    expect(status).toBe(200);
    expect(nameAndRoute()).toEqual(["GET /orders/:id", "/orders/:id"]);
  });

  it("may be named by `spanName`", async () => {
    await service.start({
      spanName: ({ method, route, request }) =>
        `${method} ${route ?? "?"} ${headerOf(request, "x-plan") ?? ""}`,
    });
    await service.get("/orders/1", { "x-plan": "pro" });

    expect(nameAndRoute()).toEqual(["GET /orders/:id pro", "/orders/:id"]);
  });

  it.each<[string, unknown]>([
    ["throws", fails],
    ["gives no text", () => ({})],
    ["gives an empty text", () => ""],
    ["gives a promise", async () => fails()],
  ])("are as ever where `spanName` %s", async (_title, spanName) => {
    await service.start({ spanName: spanName as NonNullable<Options["spanName"]> });
    await service.get("/orders/1");

    expect(nameAndRoute()).toEqual(["GET /orders/:id", "/orders/:id"]);
  });

  it("are bounded", async () => {
    const long = "x".repeat(5000);
    await service.start({ route: () => long, spanName: () => long });
    await service.get("/orders/1");

    expect(nameAndRoute().map((text) => String(text).length)).toEqual([2048, 2048]);
  });
});

describeServices("requests that are ignored", (service) => {
  it("have no SERVER span, by their exact path, and what they start is a root", async () => {
    await service.start({ ignore: ["/tool"] });
    const { body } = await service.get("/tool?probe=1");
    await service.get("/orders/1");

    expect(JSON.parse(body)).toBe("rain");
    expect(spanTree(service.recording().spans())).toBe("\nexecute_tool look_up\nGET /orders/:id\n");
  });

  it("are those that a function says `true` for", async () => {
    await service.start({ ignore: (request) => headerOf(request, "x-probe") === "1" });
    await service.get("/orders/1", { "x-probe": "1" });
    await service.get("/orders/1", { "x-probe": "0" });

    expect(spanTree(service.recording().spans())).toBe("\nGET /orders/:id\n");
  });

  it.each<[string, unknown]>([
    ["throws", fails],
    ["gives a promise", async () => true],
  ])("are not those for which it %s", async (_title, ignore) => {
    await service.start({ ignore: ignore as NonNullable<Options["ignore"]> });
    await service.get("/orders/1");

    expect(spanTree(service.recording().spans())).toBe("\nGET /orders/:id\n");
    expect(service.warnings()).toContain("`ignore`");
  });
});

it("`setRoute` is the same function in both packages, and has no effect outside a request", () => {
  expect([setExpressRoute, setHonoRoute]).toEqual([setRoute, setRoute]);
  expect(() => setRoute("/nowhere")).not.toThrow();
  expect(trace.getActiveSpan()).toBeUndefined();
});
