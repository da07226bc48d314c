import { buildTrace, toJaeger, traceFromSpans } from "@waybill/trace";
import type { JaegerSpan, JaegerTag, SpanLink } from "@waybill/trace";
import { describe, expect, it } from "vitest";

import type { PlainSpanOptions } from "./plain-span.ts";
import { nested, plainSpan, TRACE_ID } from "./plain-span.ts";
import { recordedSpans, REMOTE_PARENT } from "./recorded-spans.ts";

const PARENT_ID = "a3b81f05c9de2764";
const OTHER_ID = "00f067aa0ba902b7";

describe("toJaeger", () => {
  it("writes a span exactly as Jaeger's own export does", () => {
    const trace = buildTrace([
      plainSpan("chat gpt-5", {
        spanId: "6d02c4a91be7f358",
        parentSpanId: PARENT_ID,
        parentIsRemote: true,
        kind: "client",
        startNs: 1_795_359_600_209_712_999n,
        endNs: 1_795_359_600_209_836_998n,
        resource: { "service.name": "demo" },
        attributes: {
          "gen_ai.usage.input_tokens": 12,
          "gen_ai.request.temperature": 0.2,
          "gen_ai.response.finish_reasons": ["stop"],
        },
      }),
    ]);

    expect(toJaeger(trace)).toStrictEqual({
      data: [
        {
          traceID: TRACE_ID,
          spans: [
            {
              traceID: TRACE_ID,
              spanID: "6d02c4a91be7f358",
              operationName: "chat gpt-5",
              references: [{ refType: "CHILD_OF", traceID: TRACE_ID, spanID: PARENT_ID }],
              startTime: 1_795_359_600_209_712,
              duration: 123,
              tags: [
                { key: "otel.scope.name", type: "string", value: "demo" },
                { key: "otel.library.name", type: "string", value: "demo" },
                { key: "gen_ai.usage.input_tokens", type: "int64", value: 12 },
                { key: "gen_ai.request.temperature", type: "float64", value: 0.2 },
                { key: "gen_ai.response.finish_reasons", type: "string", value: '["stop"]' },
                { key: "span.kind", type: "string", value: "client" },
              ],
              logs: [],
              processID: "p1",
              warnings: null,
            },
          ],
          processes: { p1: { serviceName: "demo", tags: [] } },
          warnings: null,
        },
      ],
      total: 0,
      limit: 0,
      offset: 0,
      errors: null,
    });
  });

  it("writes what the SDK recorded", () => {
    const file = toJaeger(traceFromSpans(recordedSpans()));
    const call = file.data[0]?.spans[1];

    expect(call?.references.map(({ refType, spanID }) => [refType, spanID])).toEqual([
      ["CHILD_OF", file.data[0]?.spans[0]?.spanID],
      ["FOLLOWS_FROM", REMOTE_PARENT.spanId],
      ["FOLLOWS_FROM", "b".repeat(16)],
    ]);
    expect(call?.duration).toBe(200_000);
    expect(call?.logs).toEqual([
      {
        timestamp: 1_795_359_600_400_000,
        fields: [
          { key: "event", type: "string", value: "first chunk" },
          { key: "tokens", type: "int64", value: 1 },
          { key: "text", type: "string", value: "a" },
        ],
      },
      {
        timestamp: 1_795_359_600_400_000,
        fields: [{ key: "event", type: "string", value: "bare" }],
      },
    ]);
    expect(tagKeys(call).slice(-7)).toEqual([
      "otel.status_code",
      "error",
      "otel.status_description",
      "w3c.tracestate",
      "otel.dropped_attributes_count",
      "otel.dropped_events_count",
      "otel.dropped_links_count",
    ]);
    expect(JSON.parse(JSON.stringify(file))).toStrictEqual(file);
  });

  it("orders tags: scope, attributes, kind, status, trace state, what was dropped", () => {
    const span = written({
      scope: { name: "library", version: "1.2" },
      attributes: { b: 1, a: 2, "10": 3 },
      status: { code: "error", message: "gone" },
      traceState: "vendor=1",
      droppedEvents: 2,
    });

    expect(span.tags.filter(({ key }) => !["a", "b", "10"].includes(key))).toEqual([
      { key: "otel.scope.name", type: "string", value: "library" },
      { key: "otel.scope.version", type: "string", value: "1.2" },
      { key: "otel.library.name", type: "string", value: "library" },
      { key: "otel.library.version", type: "string", value: "1.2" },
      { key: "span.kind", type: "string", value: "internal" },
      { key: "otel.status_code", type: "string", value: "ERROR" },
      { key: "error", type: "bool", value: true },
      { key: "otel.status_description", type: "string", value: "gone" },
      { key: "w3c.tracestate", type: "string", value: "vendor=1" },
      { key: "otel.dropped_events_count", type: "int64", value: 2 },
    ]);
    expect(tagKeys(span).slice(4, 7).toSorted()).toEqual(["10", "a", "b"]);
  });

  it("writes the status OK without an error, and none for unset", () => {
    expect(tagKeys(written({ status: { code: "ok" } }))).toContain("otel.status_code");
    expect(tagKeys(written({ status: { code: "ok" } }))).not.toContain("error");
    expect(tagKeys(written({}))).not.toContain("otel.status_code");
  });

  it.each<[string, unknown, Omit<JaegerTag, "key">]>([
    ["a string", "x", { type: "string", value: "x" }],
    ["a boolean", false, { type: "bool", value: false }],
    ["a whole number", -7, { type: "int64", value: -7 }],
    ["a fraction", 0.5, { type: "float64", value: 0.5 }],
    ["the greatest exact integer", 2 ** 53 - 1, { type: "int64", value: 9_007_199_254_740_991 }],
    ["an integer beyond it", 2 ** 53, { type: "int64", value: "9007199254740992" }],
    ["a small bigint", 5n, { type: "int64", value: 5 }],
    ["a large bigint", -(2n ** 62n), { type: "int64", value: "-4611686018427387904" }],
    ["a whole number beyond 64 bits", 1e300, { type: "float64", value: 1e300 }],
    ["the least of 64 bits", -(2 ** 63), { type: "int64", value: "-9223372036854775808" }],
    ["a bigint beyond 64 bits", 2n ** 63n, { type: "string", value: "9223372036854775808" }],
    ["what is nested too deep", nested(20_000), { type: "string", value: nestedNull(32) }],
    ["NaN", Number.NaN, { type: "float64", value: "NaN" }],
    ["bytes", new Uint8Array([0, 255]), { type: "binary", value: "AP8=" }],
    ["null", null, { type: "string", value: "" }],
    ["a list", ["a", 1, null], { type: "string", value: '["a",1,null]' }],
    [
      "an object",
      { bytes: Buffer.from([255]), big: 2n ** 62n, nan: Number.NaN },
      { type: "string", value: '{"bytes":"/w==","big":"4611686018427387904","nan":"NaN"}' },
    ],
  ])("types %s", (_, value, typed) => {
    const { tags } = written({ attributes: { value } as PlainSpanOptions["attributes"] & object });

    expect(tags.find(({ key }) => key === "value")).toEqual({ key: "value", ...typed });
  });

  it("writes no tag twice: what the span says counts, not an attribute of that name", () => {
    const attributes = {
      error: "mine",
      "span.kind": "mine",
      "otel.status_code": "mine",
      "otel.status_description": "mine",
      "otel.scope.name": "mine",
      "w3c.tracestate": "mine",
      "otel.dropped_links_count": 7,
    };
    const failed = written({
      attributes,
      kind: "client",
      status: { code: "error", message: "gone" },
      traceState: "vendor=1",
      droppedLinks: 1,
    });
    const sound = written({ attributes });

    expect(tagKeys(failed)).toHaveLength(new Set(tagKeys(failed)).size);
    expect(JSON.stringify(failed.tags)).not.toContain("mine");
    expect(tagKeys(sound)).toHaveLength(new Set(tagKeys(sound)).size);
    expect(sound.tags).toContainEqual({ key: "error", type: "string", value: "mine" });
    expect(sound.tags).toContainEqual({ key: "span.kind", type: "string", value: "internal" });
  });

  it("writes no field of an event twice", () => {
    const { logs } = written({
      events: [
        {
          name: "bare",
          timeNs: 1_999n,
          attributes: { "otel.dropped_attributes_count": 7 },
          droppedAttributes: 1,
        },
      ],
    });

    expect(logs[0]?.fields).toEqual([
      { key: "event", type: "string", value: "bare" },
      { key: "otel.dropped_attributes_count", type: "int64", value: 1 },
    ]);
  });

  it("refers to the parent first, then to links", () => {
    const { references } = written({
      parentSpanId: PARENT_ID,
      links: [
        link({ spanId: OTHER_ID }),
        link({ traceId: "b".repeat(32), attributes: { "opentracing.ref_type": "child_of" } }),
      ],
    });

    expect(references).toEqual([
      { refType: "CHILD_OF", traceID: TRACE_ID, spanID: PARENT_ID },
      { refType: "FOLLOWS_FROM", traceID: TRACE_ID, spanID: OTHER_ID },
      { refType: "CHILD_OF", traceID: "b".repeat(32), spanID: PARENT_ID },
    ]);
  });

  it("lets a link to the parent replace the reference to it", () => {
    const { references } = written({
      parentSpanId: PARENT_ID,
      links: [link({ spanId: OTHER_ID }), link({})],
    });

    expect(references).toEqual([
      { refType: "FOLLOWS_FROM", traceID: TRACE_ID, spanID: PARENT_ID },
      { refType: "FOLLOWS_FROM", traceID: TRACE_ID, spanID: OTHER_ID },
    ]);
  });

  it("keeps an event's own attribute `event`, and counts what was dropped", () => {
    const { logs } = written({
      events: [
        {
          name: "exception",
          timeNs: 1_999n,
          attributes: { event: "mine", "exception.type": "RangeError" },
          droppedAttributes: 1,
        },
      ],
    });

    expect(logs).toEqual([
      {
        timestamp: 1,
        fields: [
          { key: "event", type: "string", value: "mine" },
          { key: "exception.type", type: "string", value: "RangeError" },
          { key: "otel.dropped_attributes_count", type: "int64", value: 1 },
        ],
      },
    ]);
  });

  it("shares a process among equal resources, and numbers the others", () => {
    const trace = buildTrace([
      plainSpan("a", { resource: { "service.name": "shop", zone: "x", pid: 1 } }),
      plainSpan("b", { resource: { "service.name": "billing" }, startMs: 1 }),
      plainSpan("c", { resource: { pid: 1, zone: "x", "service.name": "shop" }, startMs: 2 }),
      plainSpan("d", { resource: {}, startMs: 3 }),
    ]);
    const [data] = toJaeger(trace).data;

    expect(data?.spans.map(({ processID }) => processID)).toEqual(["p1", "p2", "p1", "p3"]);
    expect(data?.processes).toEqual({
      p1: {
        serviceName: "shop",
        tags: [
          { key: "zone", type: "string", value: "x" },
          { key: "pid", type: "int64", value: 1 },
        ],
      },
      p2: { serviceName: "billing", tags: [] },
      p3: { serviceName: "OTLPResourceNoServiceName", tags: [] },
    });
  });

  it("writes a trace id of 64 bits in 16 digits", () => {
    const traceId = "0".repeat(16) + OTHER_ID;
    const { data } = toJaeger(buildTrace([plainSpan("a", { traceId, parentSpanId: PARENT_ID })]));

    expect(data[0]?.traceID).toBe(OTHER_ID);
    expect(data[0]?.spans[0]?.traceID).toBe(OTHER_ID);
    expect(data[0]?.spans[0]?.references[0]?.traceID).toBe(OTHER_ID);
  });

  it("moves the attribute `@jaeger@warnings` into the warnings", () => {
    const span = written({ attributes: { "@jaeger@warnings": ["clock skew", 1] } });

    expect(span.warnings).toEqual(["clock skew"]);
    expect(tagKeys(span)).not.toContain("@jaeger@warnings");
  });

  it("lets a running span last until the end of the trace, with a warning", () => {
    const running = plainSpan("running", { startMs: 1, endMs: undefined });
    const { data } = toJaeger(buildTrace([plainSpan("root", { endMs: 5 }), running]));

    expect(data[0]?.spans[1]).toMatchObject({
      duration: 4000,
      warnings: ["the span had not ended when the trace was written"],
    });
  });

  it("writes no negative duration", () => {
    expect(written({ startMs: 5, endMs: 1 }).duration).toBe(0);
  });

  function nestedNull(levels: number): string {
    return `${"[".repeat(levels)}null${"]".repeat(levels)}`;
  }

  function written(options: PlainSpanOptions): JaegerSpan {
    const span = toJaeger(buildTrace([plainSpan("span", options)])).data[0]?.spans[0];
    if (span === undefined) throw new Error("no span was written");
    return span;
  }

  function tagKeys(span: JaegerSpan | undefined): string[] {
    return span?.tags.map(({ key }) => key) ?? [];
  }

  function link(given: Partial<SpanLink>): SpanLink {
    return {
      traceId: TRACE_ID,
      spanId: PARENT_ID,
      traceFlags: 1,
      attributes: {},
      droppedAttributes: 0,
      ...given,
    };
  }
});
