import type { Attributes } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { expect, it } from "vitest";

import { describeServices } from "./traced-service.ts";
import type { Options } from "./traced-service.ts";

const QUERY =
  "page=2&token=t0&api_key=t1&X-Amz-Signature=t2&sig=t3&%70assword=t4&userToken=t5&q=a+b&mail=ada%40example.com&flag";

describeServices("what is recorded of headers", (service) => {
  it("is nothing by default", async () => {
    await service.get("/headers", { "x-plan": "pro" });

    expect(
      Object.keys(service.serverSpan().attributes).filter((key) => key.includes("header")),
    ).toEqual([]);
  });

  it("is those that are listed, as arrays, redacted", async () => {
    await service.start({
      requestHeaders: ["X-Plan", "x-note", "x-missing"],
      responseHeaders: ["X-Answer", "content-type"],
    });
    await service.get("/headers", { "x-plan": "pro", "x-note": "mail ada@example.com" });

    expect(service.serverSpan().attributes).toMatchObject({
      "http.request.header.x-plan": ["pro"],
      "http.request.header.x-note": ["mail [email]"],
      "http.response.header.x-answer": ["42"],
      "http.response.header.content-type": [expect.stringMatching("application/json")],
    });
    expect(service.serverSpan().attributes).not.toHaveProperty("http.request.header.x-missing");
  });

  it("is credentials only if that is allowed", async () => {
    await service.start({
      requestHeaders: ["cookie"],
      responseHeaders: ["set-cookie"],
      allowSensitiveHeaders: true,
    });
    await service.get("/headers", { cookie: "id=1" });

    expect(service.serverSpan().attributes).toMatchObject({
      "http.request.header.cookie": ["id=1"],
      "http.response.header.set-cookie": ["a=1"],
    });
  });
});

const seen: Attributes[] = [];
describeServices(
  "what a sampler sees of a request",
  (service) => {
    it("is the listed headers, and what else the conventions want to be known at the start", async () => {
      seen.length = 0;
      await service.start({ requestHeaders: ["x-plan"] });
      await service.get("/orders/1?page=2", { "x-plan": "pro" });

      expect(seen).toMatchObject([
        {
          "client.address": "127.0.0.1",
          "http.request.header.x-plan": ["pro"],
          "http.request.method": "GET",
          "server.address": "127.0.0.1",
          "server.port": expect.any(Number),
          "url.path": "/orders/1",
          "url.query": "page=REDACTED",
          "url.scheme": "http",
          "user_agent.original": expect.any(String),
        },
      ]);
    });
  },
  {
    sampler: {
      shouldSample(_context, _traceId, _name, _kind, attributes) {
        seen.push(attributes);
        return { decision: SamplingDecision.RECORD_AND_SAMPLED };
      },
    },
  },
);

describeServices("what is recorded of the URL", (service) => {
  it.each<[Options["query"], string | undefined]>([
    [
      "redact",
      "page=REDACTED&token=REDACTED&api_key=REDACTED&X-Amz-Signature=REDACTED&sig=REDACTED&%70assword=REDACTED&userToken=REDACTED&q=REDACTED&mail=REDACTED&flag",
    ],
    ["drop", undefined],
    [
      "keep",
      "page=2&token=REDACTED&api_key=REDACTED&X-Amz-Signature=REDACTED&sig=REDACTED&%70assword=REDACTED&userToken=REDACTED&q=a+b&mail=REDACTED&flag",
    ],
    [
      { keep: ["page", "token"] },
      "page=2&token=REDACTED&api_key=REDACTED&X-Amz-Signature=REDACTED&sig=REDACTED&%70assword=REDACTED&userToken=REDACTED&q=REDACTED&mail=REDACTED&flag",
    ],
  ])("is of the query, with %j", async (query, recorded) => {
    await service.start(query === undefined ? {} : { query });
    await service.get(`/orders/1?${QUERY}`);

    expect(service.serverSpan().attributes["url.query"]).toBe(recorded);
  });

  it.each([
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "access_token",
    "apiKey",
    "client_secret",
    "code",
    "authCode",
    "user[password]",
  ])("is never the value of `%s`", async (key) => {
    await service.start({ query: "keep" });
    await service.get(`/orders/1?${key}=s3cret`);

    expect(service.serverSpan().attributes["url.query"]).toBe(`${key}=REDACTED`);
  });

  it("is the path as `scrubPath` leaves it", async () => {
    await service.start({ scrubPath: (path) => path.replace(/\d+/, "…") });
    await service.get("/orders/4711");

    expect(service.serverSpan().attributes).toMatchObject({
      "url.path": "/orders/…",
      "http.route": "/orders/:id",
    });
  });

  it.each<[string, unknown]>([
    [
      "throws",
      () => {
        throw new Error("no idea");
      },
    ],
    ["gives a promise", async () => "/"],
    ["gives no text", () => 5],
  ])("is no path where `scrubPath` %s", async (_title, scrubPath) => {
    await service.start({ scrubPath: scrubPath as NonNullable<Options["scrubPath"]> });
    await service.get("/orders/4711");

    expect(service.serverSpan().attributes).not.toHaveProperty("url.path");
    expect(service.serverSpan().name).toBe("GET /orders/:id");
  });
});

describeServices("methods", (service) => {
  it("that are not known are `_OTHER`, and `HTTP` in the name", async () => {
    await service.get("/nowhere", {}, "PURGE");

    const { name, attributes } = service.serverSpan();
    expect([
      name,
      attributes["http.request.method"],
      attributes["http.request.method_original"],
    ]).toEqual(["HTTP", "_OTHER", "PURGE"]);
  });

  it("are known that OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS lists at set-up, and no others", async () => {
    process.env["OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"] = "PURGE, get";
    await service.start();
    delete process.env["OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"];
    await service.get("/nowhere", {}, "PURGE");
    await service.get("/nowhere");

    expect(
      service
        .recording()
        .spans()
        .map(({ name, attributes }) => [name, attributes["http.request.method"]]),
    ).toEqual([
      ["PURGE", "PURGE"],
      ["HTTP", "_OTHER"],
    ]);
  });
});

describeServices("who the client is behind proxies", (service) => {
  const client = () => {
    const { attributes } = service.serverSpan();
    return [attributes["client.address"], attributes["url.scheme"], attributes["server.address"]];
  };
  const FORWARDED = {
    "x-forwarded-for": "6.6.6.6, 203.0.113.7, 198.51.100.2",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
  };

  it.each<[string, Options, Record<string, string>, unknown[]]>([
    ["nobody by default", {}, FORWARDED, ["127.0.0.1", "http", "127.0.0.1"]],
    ["nobody with `false`", { trustProxy: false }, FORWARDED, ["127.0.0.1", "http", "127.0.0.1"]],
    ["one proxy", { trustProxy: 1 }, FORWARDED, ["198.51.100.2", "https", "shop.example"]],
    ["two proxies", { trustProxy: 2 }, FORWARDED, ["203.0.113.7", "https", "shop.example"]],
    ["all proxies", { trustProxy: true }, FORWARDED, ["6.6.6.6", "https", "shop.example"]],
    [
      "one proxy that speaks RFC 7239",
      { trustProxy: 1 },
      { forwarded: 'for=6.6.6.6, for="[2001:db8::1]:4711";proto=https;host="shop.example:81"' },
      ["2001:db8::1", "https", "shop.example"],
    ],
    [
      "headers that contradict each other",
      { trustProxy: 1 },
      { ...FORWARDED, forwarded: "for=6.6.6.6;host=evil.example" },
      ["127.0.0.1", "http", "127.0.0.1"],
    ],
    [
      "nobody if a client has padded one header to hide that it made the other one up",
      { trustProxy: 1 },
      { "x-forwarded-for": `${"x".repeat(5000)}, 203.0.113.7`, forwarded: "for=6.6.6.6" },
      ["127.0.0.1", "http", "127.0.0.1"],
    ],
    [
      "a proxy that hides its client, whatever the client says itself",
      { trustProxy: 1 },
      { "x-forwarded-for": "unknown", forwarded: "for=6.6.6.6" },
      ["127.0.0.1", "http", "127.0.0.1"],
    ],
    [
      "a proxy that hides its client",
      { trustProxy: 1 },
      { forwarded: "for=unknown;proto=https" },
      ["127.0.0.1", "https", "127.0.0.1"],
    ],
    [
      "nonsense",
      { trustProxy: 1 },
      { "x-forwarded-for": "<script>, ,", "x-forwarded-proto": "javascript" },
      ["127.0.0.1", "http", "127.0.0.1"],
    ],
    [
      "an address with a port",
      { trustProxy: 1 },
      { "x-forwarded-for": "203.0.113.7:5000" },
      ["203.0.113.7", "http", "127.0.0.1"],
    ],
  ])("is told by %s", async (_title, options, headers, expected) => {
    await service.start(options);
    await service.get("/orders/1", headers);

    expect(client()).toEqual(expected);
  });
});
