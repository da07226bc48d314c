import {
  context as contextApi,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { Attributes, Context, Span, TextMapPropagator } from "@opentelemetry/api";
import { AlwaysOffSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { contextWithIdentity, setIdentity, traceAgentRun } from "@waybill/core";
import { guardBaggage, StrictW3CPropagator } from "@waybill/core/otel";
import type { GuardBaggageOptions } from "@waybill/core/otel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { startRequestSpan } from "../support/request-span.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

const HOST = { "server.address": "orders.internal" };

/** A context with baggage of one entry. */
function withBaggage(context = ROOT_CONTEXT): Context {
  return propagation.setBaggage(context, propagation.createBaggage({ tenant: { value: "acme" } }));
}

/** A context in which a request to `attributes`' host is about to be sent. */
function calling(attributes: Attributes, context = withBaggage(), kind = SpanKind.CLIENT): Context {
  const span = trace.getTracer("an HTTP client").startSpan("GET", { kind, attributes }, context);
  return trace.setSpan(context, span);
}

function sent(options: GuardBaggageOptions, context: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  const propagator = guardBaggage(new StrictW3CPropagator(), options);
  propagator.inject(context, headers, defaultTextMapSetter);
  return headers;
}

const sentBaggage = (allowHosts: readonly string[], context: Context) =>
  sent({ allowHosts }, context).baggage;

describe("guardBaggage", () => {
  it("sends baggage to an allowed host, and the trace to everybody", () => {
    const options = { allowHosts: ["orders.internal"] };

    const allowed = sent(options, calling(HOST));
    const others = sent(options, calling({ "server.address": "api.vendor.example" }));

    expect(allowed).toEqual({ traceparent: expect.any(String), baggage: "tenant=acme" });
    expect(others).toEqual({ traceparent: expect.any(String) });
  });

  it.each([
    ["orders.internal", "orders.internal"],
    ["orders.internal", "ORDERS.Internal"],
    ["Orders.INTERNAL", "orders.internal"],
    ["localhost", "localhost"],
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "[::1]"],
    ["[::1]", "::1"],
    ["[2001:DB8::7]", "2001:db8::7"],
    ["*.example.com", "api.example.com"],
    ["*.example.com", "a.b.EXAMPLE.com"],
    ["*.Example.COM", "api.example.com"],
    ["under_score.internal", "under_score.internal"],
  ])("takes %s for a host that may get it: %s", (pattern, host) => {
    expect(sentBaggage(["other.example", pattern], calling({ "server.address": host }))).toBe(
      "tenant=acme",
    );
  });

  it.each([
    ["orders.internal", "internal"],
    ["orders.internal", "eu.orders.internal"],
    ["orders.internal", "orders.internal.evil.example"],
    ["orders.internal", "orders-internal"],
    ["orders.internal", "ordersxinternal"],
    ["orders.internal", "orders.internal:443"],
    ["orders.internal", ""],
    ["*.example.com", "example.com"],
    ["*.example.com", ".example.com"],
    ["*.example.com", "badexample.com"],
    ["*.example.com", "example.com.evil.example"],
    ["*.example.com", "api.example.com.evil.example"],
    ["127.0.0.1", "127.0.0.10"],
    ["::1", "::11"],
  ])("does not take %s for one: %s", (pattern, host) => {
    expect(sentBaggage([pattern], calling({ "server.address": host }))).toBeUndefined();
  });

  it("sends none when no host is allowed", () => {
    expect(sentBaggage([], calling(HOST))).toBeUndefined();
  });

  it.each<[string, Attributes, string | undefined]>([
    ["net.peer.name", { "net.peer.name": "orders.internal" }, "tenant=acme"],
    ["url.full", { "url.full": "https://orders.internal:8443/a?b=c" }, "tenant=acme"],
    ["url.full with a user", { "url.full": "https://a:b@orders.internal/" }, "tenant=acme"],
    [
      "url.full with a misleading user",
      { "url.full": "https://orders.internal:x@evil.example/" },
      undefined,
    ],
    ["url.full that is no URL", { "url.full": "orders.internal" }, undefined],
    [
      "net.peer.name before url.full",
      { "net.peer.name": "x", "url.full": "http://orders.internal" },
      undefined,
    ],
    [
      "server.address before both",
      { "server.address": "x", "net.peer.name": "orders.internal" },
      undefined,
    ],
    ["an address that is no text", { "server.address": ["orders.internal"] }, undefined],
    ["none of them", { "http.request.method": "GET" }, undefined],
  ])("reads the host from the active span: %s", (_title, attributes, expected) => {
    expect(sentBaggage(["orders.internal"], calling(attributes))).toBe(expected);
  });

  it("sends none where the host is unknown", () => {
    const unsampled = new TracerProvider({ sampler: new AlwaysOffSampler() })
      .getTracer("an HTTP client")
      .startSpan("GET", { kind: SpanKind.CLIENT, attributes: HOST });
    const remote = trace.wrapSpanContext(unsampled.spanContext());
    const broken = {
      spanContext: () => unsampled.spanContext(),
      get attributes() {
        throw new Error("not yours");
      },
    } as unknown as Span;

    const contexts = [
      withBaggage(),
      ...[unsampled, remote, broken].map((span) => trace.setSpan(withBaggage(), span)),
    ];

    for (const context of contexts) {
      expect(sentBaggage(["orders.internal"], context)).toBeUndefined();
    }
  });

  it.each([SpanKind.SERVER, SpanKind.CONSUMER])(
    "sends none by the word of a receiving span, whose host its caller chose (kind %i)",
    (kind) => {
      expect(sentBaggage(["orders.internal"], calling(HOST, withBaggage(), kind))).toBeUndefined();
    },
  );

  it("does not trust the Host header of the request that is being answered", () => {
    const request = startRequestSpan(
      {
        host: "orders.internal",
        header: (name) => (name === "baggage" ? "tenant=acme" : undefined),
      },
      ["tenant"],
    );

    const headers = sent({ allowHosts: ["orders.internal"] }, request.context);
    request.end({ statusCode: 200 });

    expect(Object.keys(headers)).toEqual(["traceparent"]);
  });

  it("guards any propagator, and passes on what that reads", () => {
    const inject = vi.fn<TextMapPropagator["inject"]>();
    const extract = vi.fn<TextMapPropagator["extract"]>((context) => withBaggage(context));
    const guarded = guardBaggage(
      { inject, extract, fields: () => ["uber-trace-id"] },
      { allowHosts: [] },
    );
    const carrier = { "uber-trace-id": "1" };

    const extracted = guarded.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    guarded.inject(extracted, carrier, defaultTextMapSetter);

    expect(guarded.fields()).toEqual(["uber-trace-id"]);
    expect(extract.mock.calls).toEqual([[ROOT_CONTEXT, carrier, defaultTextMapGetter]]);
    expect(propagation.getBaggage(extracted)?.getEntry("tenant")).toEqual({ value: "acme" });
    const [injected, ...rest] = inject.mock.calls[0] ?? [];
    expect(injected && propagation.getBaggage(injected)).toBeUndefined();
    expect(rest).toEqual([carrier, defaultTextMapSetter]);
  });
});

describe("identityKeys", () => {
  const ADA = {
    userId: "ada",
    sessionId: "s-1",
    conversationId: "c-1",
    agent: { name: "desk", version: "7", configId: "blue" },
    entries: { plan: "pro: 100%" },
  };
  const ALL = [
    "user.id",
    "session.id",
    "gen_ai.conversation.id",
    "gen_ai.agent.name",
    "waybill.agent.version",
    "waybill.agent.config_id",
    "plan",
  ];
  const asAda = (context = ROOT_CONTEXT) => contextWithIdentity(context, ADA);

  it("are sent along to an allowed host, as the identity in force has them", () => {
    const { baggage } = sent(
      { allowHosts: ["orders.internal"], identityKeys: ALL },
      calling(HOST, asAda()),
    );

    expect(baggage).toBe(
      "user.id=ada,session.id=s-1,gen_ai.conversation.id=c-1,gen_ai.agent.name=desk,waybill.agent.version=7,waybill.agent.config_id=blue,plan=pro:%20100%25",
    );
  });

  it("are sent to no other host", () => {
    const identityKeys = ALL;

    expect(sent({ allowHosts: [], identityKeys }, calling(HOST, asAda()))).not.toHaveProperty(
      "baggage",
    );
    expect(
      sent({ allowHosts: ["a.example"], identityKeys }, calling(HOST, asAda())),
    ).not.toHaveProperty("baggage");
    expect(sent({ allowHosts: ["a.example"], identityKeys }, asAda())).not.toHaveProperty(
      "baggage",
    );
  });

  it("are none unless they are listed", () => {
    expect(sentBaggage(["orders.internal"], calling(HOST, asAda(withBaggage())))).toBe(
      "tenant=acme",
    );
    expect(
      sent(
        { allowHosts: ["orders.internal"], identityKeys: ["session.id", "not.known"] },
        calling(HOST, asAda(withBaggage())),
      ).baggage,
    ).toBe("session.id=s-1,tenant=acme");
  });

  it("never overwrite what the baggage holds", () => {
    const baggage = propagation.createBaggage({ "user.id": { value: "given" } });
    const context = calling(HOST, asAda(propagation.setBaggage(ROOT_CONTEXT, baggage)));

    expect(
      sent({ allowHosts: ["orders.internal"], identityKeys: ["user.id", "session.id"] }, context)
        .baggage,
    ).toBe("user.id=given,session.id=s-1");
    expect(propagation.getBaggage(context)?.getAllEntries()).toHaveLength(1);
  });

  it("come from the request's identity as it is at that moment, and from the innermost agent", () => {
    const options = {
      allowHosts: ["orders.internal"],
      identityKeys: ["user.id", "gen_ai.agent.name"],
    };
    const request = startRequestSpan();

    const baggage = contextApi.with(request.context, () => {
      const send = () => sent(options, calling(HOST, contextApi.active())).baggage;
      const before = send();
      setIdentity({ userId: "ada" });
      return [before, send(), traceAgentRun({ agent: { name: "planner" } }, send)];
    });
    request.end({ statusCode: 200 });

    expect(baggage).toEqual([undefined, "user.id=ada", "user.id=ada,gen_ai.agent.name=planner"]);
  });

  it("read nothing from Object.prototype", () => {
    const options = { allowHosts: ["orders.internal"], identityKeys: ["constructor", "__proto__"] };

    expect(sent(options, calling(HOST, asAda()))).not.toHaveProperty("baggage");
  });
});

describe("guardBaggage's options", () => {
  const guard = (options: unknown) =>
    guardBaggage(new StrictW3CPropagator(), options as GuardBaggageOptions);

  it.each([
    [undefined, /options must be an object, got undefined/],
    [{}, /`allowHosts` is required/],
    [{ allowHosts: undefined }, /`allowHosts` is required/],
    [{ allowHosts: "a.example" }, /`allowHosts` must be an array of strings, got "a.example"/],
    [{ allowHosts: [/a/] }, /`allowHosts` must be an array of strings/],
    [{ allowHosts: ["https://a.example"] }, /`allowHosts` .* got "https:\/\/a.example"/],
    [{ allowHosts: ["a.example:443"] }, /`allowHosts` .* got "a.example:443"/],
    [{ allowHosts: ["127.0.0.1:80"] }, /`allowHosts` .* got "127.0.0.1:80"/],
    [{ allowHosts: ["a.example/path"] }, /`allowHosts` .* got "a.example\/path"/],
    [{ allowHosts: ["*"] }, /`allowHosts` .* got "\*"/],
    [{ allowHosts: ["*."] }, /`allowHosts` .* got "\*\."/],
    [{ allowHosts: ["a.*.example"] }, /`allowHosts` .* got "a\.\*\.example"/],
    [{ allowHosts: ["*example.com"] }, /`allowHosts` .* got "\*example.com"/],
    [{ allowHosts: [""] }, /`allowHosts` .* got ""/],
    [{ allowHosts: ["a.example "] }, /`allowHosts` .* got "a.example "/],
    [{ allowHosts: [], identityKeys: "user.id" }, /`identityKeys` must be an array of strings/],
    [{ allowHosts: [], identityKeys: ["http.route"] }, /`identityKeys` must not list `http.route`/],
    [{ allowHosts: [], identityKeys: ["a b"] }, /`identityKeys` lists `a b`/],
    [{ allowHosts: [], allowedHosts: [] }, /unknown option `allowedHosts`/],
  ])("are checked: %j", (options, message) => {
    expect(() => guard(options)).toThrow(TypeError);
    expect(() => guard(options)).toThrow(message);
  });
});
