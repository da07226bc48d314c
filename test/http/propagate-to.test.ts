import { context, propagation, trace } from "@opentelemetry/api";
import type { TextMapPropagator } from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { withBaggage, withIdentity, withSpan } from "@waybill/core";
import { propagatingFetch, propagationHeaders } from "@waybill/core/http";
import { guardBaggage, StrictW3CPropagator } from "@waybill/core/otel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { startHeaderReceiver } from "../support/header-receiver.ts";
import type { HeaderReceiver } from "../support/header-receiver.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const THEIRS = "00-12345678901234567890123456789012-1234567890123456-01";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

/** Registers a propagator in place of the recording's, which is OpenTelemetry's own. */
function register(propagator: TextMapPropagator): void {
  propagation.disable();
  propagation.setGlobalPropagator(propagator);
}

/** Runs `fn` with a span active, and baggage of one entry. */
function inSpan<T>(fn: () => T): T {
  return withSpan("work", () => withBaggage({ tenant: "acme" }, fn));
}

/** A `propagatingFetch` around any other, typed as `fetch` is. */
function propagating(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return propagatingFetch(fetch);
}

/** The `traceparent` of the span that is active. */
function active(): string {
  const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
  return `00-${traceId}-${spanId}-01`;
}

const PROPAGATORS: readonly (readonly [string, () => void])[] = [
  ["OpenTelemetry's propagators", () => {}],
  ["StrictW3CPropagator", () => register(new StrictW3CPropagator())],
  [
    "guardBaggage that allows nobody",
    () => register(guardBaggage(new StrictW3CPropagator(), { allowHosts: [] })),
  ],
];

describe.each(PROPAGATORS)("propagationHeaders under %s", (_title, setUp) => {
  const options = { allowHosts: ["orders.internal", "*.agents.example.com", "::1"] };
  beforeEach(setUp);

  it("names the active span", () => {
    inSpan(() => {
      expect(propagationHeaders("https://vendor.example/v1")).toEqual({ traceparent: active() });
    });
  });

  it.each([
    "https://orders.internal/A-1",
    "http://ORDERS.internal:8080",
    "https://user:password@orders.internal/?x=@vendor.example",
    "https://a.b.agents.example.com/",
    "http://[::1]:3000/",
    new URL("https://orders.internal/A-1"),
  ])("takes the baggage along to an allowed host: %s", (url) => {
    inSpan(() => {
      const headers = { traceparent: active(), baggage: "tenant=acme" };
      expect(propagationHeaders(url, options)).toEqual(headers);
    });
  });

  it.each([
    "https://vendor.example/?host=orders.internal",
    "https://orders.internal@vendor.example/",
    "https://agents.example.com/",
    "https://evil-agents.example.com.vendor.example/",
    "/relative/to.something",
    "not a URL",
    "",
  ])("takes no baggage along to anybody else: %j", (url) => {
    inSpan(() => {
      expect(propagationHeaders(url, options)).toEqual({ traceparent: active() });
    });
  });

  it("gives none outside a span, and none where tracing is suppressed", () => {
    expect(propagationHeaders("https://orders.internal/", options)).toEqual({});
    inSpan(() => {
      context.with(suppressTracing(context.active()), () => {
        expect(propagationHeaders("https://orders.internal/", options)).toEqual({});
      });
    });
  });
});

describe("propagationHeaders", () => {
  it("takes the baggage along to hosts that guardBaggage allows, by the URL and not by the active span", () => {
    register(
      guardBaggage(new StrictW3CPropagator(), {
        allowHosts: ["orders.internal"],
        identityKeys: ["user.id"],
      }),
    );

    withIdentity({ userId: "ada" }, () =>
      withSpan("GET", { attributes: { "server.address": "vendor.example" } }, () =>
        withBaggage({ tenant: "acme" }, () => {
          expect(propagationHeaders("https://orders.internal/").baggage).toBe(
            "user.id=ada,tenant=acme",
          );
          expect(propagationHeaders("https://vendor.example/").baggage).toBeUndefined();
        }),
      ),
    );
  });

  it("keeps the baggage from a propagator that sends it to everybody under a name of its own", () => {
    const seen: unknown[] = [];
    register({
      inject: (injected) => seen.push(propagation.getBaggage(injected)),
      extract: (extracted) => extracted,
      fields: () => [],
    });

    inSpan(() => propagationHeaders("https://vendor.example/"));

    expect(seen).toEqual([undefined]);
  });

  it("gives what there is when a propagator throws", () => {
    register({
      inject(_context, carrier, setter) {
        setter.set(carrier, "x-first", "1");
        throw new Error("theirs");
      },
      extract: (extracted) => extracted,
      fields: () => [],
    });

    expect(inSpan(() => propagationHeaders("https://vendor.example/"))).toEqual({ "x-first": "1" });
  });

  it("gives none where nothing is set up", async () => {
    await recording.stop();

    expect(inSpan(() => propagationHeaders("https://vendor.example/"))).toEqual({});
  });

  it.each([
    [{ allowHosts: "orders.internal" }, /`allowHosts` must be an array of strings/],
    [{ allowHosts: ["https://orders.internal"] }, /`allowHosts` must list host names/],
    [{ allow: [] }, /unknown option `allow`/],
  ])("checks its options, as propagatingFetch does: %j", (options, message) => {
    expect(() => propagationHeaders("", options as never)).toThrow(message);
    expect(() => propagatingFetch(fetch, options as never)).toThrow(message);
    expect(() => propagatingFetch(fetch, options as never)).toThrow(TypeError);
  });
});

describe("propagatingFetch", () => {
  let receiver: HeaderReceiver;
  let url: string;
  beforeAll(async () => {
    receiver = await startHeaderReceiver();
    ({ url } = receiver);
  });
  beforeEach(() => receiver.forget());
  afterAll(() => receiver.close());

  const values = (name: string) => receiver.values(name);

  describe.each<[string, (headers: Record<string, string>) => Parameters<typeof fetch>]>([
    ["a string, headers as an object", (headers) => [url, { headers }]],
    ["a URL, headers as pairs", (headers) => [new URL(url), { headers: Object.entries(headers) }]],
    ["a string, headers as Headers", (headers) => [url, { headers: new Headers(headers) }]],
    [
      "a string, headers that can be read once",
      (headers) => [url, { headers: Object.entries(headers).values() as never }],
    ],
    ["a Request", (headers) => [new Request(url, { headers })]],
    [
      "a Request whose headers are replaced",
      (headers) => [new Request(url, { headers: { traceparent: THEIRS } }), { headers }],
    ],
    ["a string and a Request", (headers) => [url, new Request(url, { headers })]],
  ])("of %s", (_title, arguments_) => {
    it("adds the trace to the request's own headers", async () => {
      const fetch = propagatingFetch(globalThis.fetch, { allowHosts: ["127.0.0.1"] });

      const expected = await inSpan(async () => {
        await fetch(...arguments_({ "x-own": "1" }));
        return active();
      });

      expect(values("x-own")).toEqual([["1"]]);
      expect(values("traceparent")).toEqual([[expected]]);
      expect(values("baggage")).toEqual([["tenant=acme"]]);
    });

    it("adds nothing to a request that has a traceparent", async () => {
      const fetch = propagatingFetch(globalThis.fetch, { allowHosts: ["127.0.0.1"] });

      await inSpan(() => fetch(...arguments_({ TraceParent: THEIRS, "x-own": "1" })));

      expect(values("traceparent")).toEqual([[THEIRS]]);
      expect(values("baggage")).toEqual([[]]);
      expect(values("x-own")).toEqual([["1"]]);
    });

    it("leaves the request's own baggage as it is", async () => {
      const fetch = propagatingFetch(globalThis.fetch, { allowHosts: ["127.0.0.1"] });

      await inSpan(() => fetch(...arguments_({ Baggage: "mine=1" })));

      expect(values("baggage")).toEqual([["mine=1"]]);
      expect(values("traceparent")).toEqual([[expect.any(String)]]);
    });

    it("sends no baggage unless the host is allowed", async () => {
      await inSpan(() => propagatingFetch()(...arguments_({})));

      expect(values("traceparent")).toEqual([[expect.any(String)]]);
      expect(values("baggage")).toEqual([[]]);
    });
  });

  it("sends method, body and all else as it is, and gives the response of the fetch it calls", async () => {
    const plain = vi.fn(globalThis.fetch);
    const fetch = propagatingFetch(plain);
    const body = new Blob(["text"]).stream();

    const response = await inSpan(() =>
      fetch(new Request(url, { method: "PUT", body, duplex: "half" })),
    );

    expect(await response.text()).toBe("answer");
    expect(response).toBe(await plain.mock.results[0]?.value);
    expect(receiver.received).toMatchObject([{ method: "PUT", body: "text" }]);
  });

  it("changes none of its arguments", async () => {
    const headers = Object.freeze({ a: "1" });
    const init = Object.freeze({ method: "POST", headers });
    const own = new Headers({ a: "1" });
    const pairs: [string, string][] = [["a", "1"]];
    const request = new Request(url, { headers: { a: "1" } });
    const fetch = propagatingFetch();

    await inSpan(async () => {
      await fetch(url, init);
      await fetch(url, { headers: own });
      await fetch(url, { headers: pairs });
      await fetch(request);
    });

    expect(values("traceparent").flat()).toHaveLength(4);
    expect([...own]).toEqual([["a", "1"]]);
    expect(pairs).toEqual([["a", "1"]]);
    expect([...request.headers]).toEqual([["a", "1"]]);
  });

  it("gives headers on in the form in which it got them", async () => {
    const seen: unknown[] = [];
    const fetch = propagating(async (_input, init) => {
      seen.push(init?.headers);
      return new Response();
    });

    const traceparent = await inSpan(async () => {
      await fetch(url, { headers: { A: "1" } });
      await fetch(url, { headers: [["A", "1"]] });
      await fetch(url);
      return active();
    });

    expect(seen).toEqual([
      { A: "1", traceparent },
      [
        ["A", "1"],
        ["traceparent", traceparent],
      ],
      { traceparent },
    ]);
  });

  it("is the given fetch outside a span, where tracing is suppressed, and where nothing is set up", async () => {
    const plain = vi.fn(async (..._args: Parameters<typeof globalThis.fetch>) => new Response());
    const fetch = propagatingFetch(plain);
    const init = { headers: { a: "1" } };

    await fetch(url, init);
    await inSpan(() => context.with(suppressTracing(context.active()), () => fetch(url, init)));
    await recording.stop();
    await inSpan(() => fetch(url, init));

    expect(plain.mock.calls).toEqual([
      [url, init],
      [url, init],
      [url, init],
    ]);
    expect(plain.mock.calls.every((call) => call[1] === init)).toBe(true);
  });

  it("has the members of the given fetch, and its `this`", async () => {
    const calledOn: unknown[] = [];
    const plain = Object.assign(
      async function plainFetch(this: unknown, _input: Parameters<typeof fetch>[0]) {
        calledOn.push(this);
        return new Response();
      },
      { preconnect: () => "connected" },
    );
    const client = { fetch: propagatingFetch(plain) };

    await inSpan(() => client.fetch(url));

    expect(calledOn).toEqual([client]);
    expect(client.fetch.preconnect()).toBe("connected");
    expect(client.fetch.name).toBe("plainFetch");
  });

  it("passes errors through, thrown or rejected with", async () => {
    const error = new Error("no network");
    const rejecting = propagating(() => Promise.reject(error));
    const throwing = propagating(() => {
      throw error;
    });

    await expect(inSpan(() => rejecting(url))).rejects.toBe(error);
    expect(() => inSpan(() => throwing(url))).toThrow(error);
  });

  it.each<[string, unknown[]]>([
    ["no URL", ["http://"]],
    ["nothing", []],
    ["null", [null]],
    ["a method that may not be sent", ["http://127.0.0.1/", { method: "TRACE" }]],
    ["an invalid header", ["http://127.0.0.1/", { headers: { "not a name": "1" } }]],
    ["pairs that are none", ["http://127.0.0.1/", { headers: [["a"]] }]],
    ["headers of the wrong type", ["http://127.0.0.1/", { headers: 5 }]],
    ["null as headers", ["http://127.0.0.1/", { headers: null }]],
    ["an init of the wrong type", ["http://127.0.0.1/", 5]],
  ])("fails as the given fetch does on %s", async (_title, args) => {
    const messageOf = (send: unknown) =>
      (send as (...all: unknown[]) => Promise<Response>)(...args).then(
        () => "no error",
        (error: unknown) => String(error),
      );
    const plain = async (...all: Parameters<typeof fetch>) => {
      const { status = 200 } = { request: new Request(...all) } as { status?: number };
      return new Response(null, { status });
    };

    const expected = await messageOf(plain);

    expect(await inSpan(() => messageOf(propagatingFetch(plain)))).toBe(expected);
  });

  it("adds one traceparent when it is put around itself", async () => {
    const fetch = propagatingFetch(propagatingFetch());

    await inSpan(() => fetch(url));

    expect(values("traceparent")).toEqual([[expect.any(String)]]);
  });
});
