import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import { describe, expect, it } from "vitest";

describe.each<[string, (options: object) => unknown]>([
  ["Express", traceExpress],
  ["Hono", traceHono],
])("the options of traceMiddleware for %s", (_framework, traceMiddleware) => {
  it.each([
    ["all", /must be an object, got "all"/],
    [{ identfy: () => ({}) }, /unknown option `identfy`/],
    [{ identify: "user" }, /`identify` must be a function, got "user"/],
    [{ trust: "always" }, /`trust` must be one of "continue", "link", "ignore", got "always"/],
    [{ trust: true }, /`trust` must be a string or a function, got true/],
    [{ baggage: { accept: "user.id" } }, /`accept` must be an array of strings, got "user.id"/],
    [{ baggage: { accept: ["http.route"] } }, /`accept` must not list `http.route`/],
    [{ baggage: { allow: [] } }, /unknown option `allow`/],
    [{ baggage: { maxMembers: -1 } }, /`maxMembers` must be a non-negative integer, got -1/],
    [{ baggage: { maxBytes: "8k" } }, /`maxBytes` must be/],
    [{ baggage: { maxValueLength: 1.5 } }, /`maxValueLength` must be/],
    [{ ignore: "/health" }, /`ignore` must be an array of strings or a function/],
    [{ route: "/orders" }, /`route` must be a function/],
    [{ spanName: "orders" }, /`spanName` must be a function/],
    [{ requestHeaders: "x-plan" }, /`requestHeaders` must be an array of strings/],
    [{ requestHeaders: ["x plan"] }, /`requestHeaders` lists "x plan", which is no header's name/],
    [{ requestHeaders: ["Authorization"] }, /`requestHeaders` lists `Authorization`, which holds/],
    [{ requestHeaders: ["proxy-authorization"] }, /`requestHeaders` lists `proxy-authorization`/],
    [{ requestHeaders: ["cookie"] }, /set `allowSensitiveHeaders`/],
    [{ responseHeaders: ["Set-Cookie"] }, /`responseHeaders` lists `Set-Cookie`/],
    [{ allowSensitiveHeaders: "yes" }, /`allowSensitiveHeaders` must be a boolean/],
    [{ query: "all" }, /`query` must be one of "redact", "drop", "keep", got "all"/],
    [{ query: {} }, /`query` lacks `keep`/],
    [{ query: { keep: "page" } }, /`keep` must be an array of strings/],
    [{ scrubPath: /\d/ }, /`scrubPath` must be a function/],
    [{ trustProxy: "loopback" }, /`trustProxy` must be a boolean or a non-negative integer/],
    [{ recordException: "no" }, /`recordException` must be a boolean or a function/],
    [{ clientAbort: "ok" }, /`clientAbort` must be one of "error", "unset", got "ok"/],
    [{ serverTiming: 1 }, /`serverTiming` must be a boolean/],
    [{ captureContent: { everything: true } }, /unknown option `everything`/],
    [{ adopt: "always" }, /`adopt` must be one of "auto", "never", got "always"/],
    [{ onStart: {} }, /`onStart` must be a function/],
    [{ onEnd: {} }, /`onEnd` must be a function/],
  ])("are checked when the service starts: %j", (options, message) => {
    expect(() => traceMiddleware(options as object)).toThrow(TypeError);
    expect(() => traceMiddleware(options as object)).toThrow(message);
  });

  it("may all be left undefined", () => {
    const names = ["trust", "baggage", "identify", "ignore", "query", "trustProxy", "onEnd"];

    expect(() =>
      traceMiddleware(Object.fromEntries(names.map((name) => [name, undefined]))),
    ).not.toThrow();
  });
});
