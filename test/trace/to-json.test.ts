import { buildTrace, toJson, traceFromSpans } from "@waybill/trace";
import type { AttributeValue } from "@waybill/trace";
import { describe, expect, it } from "vitest";

import { agentTrace } from "./agent-trace.ts";
import { nested, plainSpan } from "./plain-span.ts";
import { recordedSpans } from "./recorded-spans.ts";

describe("toJson", () => {
  it("begins with the format, its version and a summary, and lists the spans", () => {
    const { spans, ...summary } = toJson(agentTrace());

    expect(summary).toEqual({
      format: "waybill.trace",
      version: 1,
      traceId: "9c1f4e2a7b3d58604a1e0cf2d6b79835",
      startNs: "1795359600000000000",
      endNs: "1795359602412000000",
      durationNs: "2412000000",
      serviceNames: ["support-desk"],
      identity: { userId: "ada", sessionId: "session-ada", agentNames: ["support-bot"] },
      usage: {
        inputTokens: 3935,
        outputTokens: 283,
        cacheReadTokens: 1024,
        cacheWriteTokens: 0,
        reasoningTokens: 64,
      },
      errorCount: 3,
      droppedSpans: 0,
      complete: true,
    });
    expect(spans).toHaveLength(9);
  });

  it("writes each member of a span, times as decimal strings", () => {
    const [request, call] = recordedSpans();
    const written = toJson(traceFromSpans(recordedSpans())).spans;

    expect(written[0]).toMatchObject({
      parentSpanId: request?.parentSpanContext?.spanId,
      parentIsRemote: true,
      startNs: "1795359600209712345",
      endNs: "1795359602000000000",
      traceState: "vendor=1,other=2",
      scope: { name: "library", version: "1.2.3" },
    });
    expect(written[1]?.events[0]).toEqual({
      name: "first chunk",
      timeNs: "1795359600400000001",
      attributes: { tokens: 1, text: "a" },
      droppedAttributes: 0,
    });
    expect(written[1]).toMatchObject({ name: call?.name, droppedLinks: 1, traceFlags: 1 });
  });

  it("writes no end for a span that runs", () => {
    const [span] = toJson(buildTrace([plainSpan("running", { endMs: undefined })])).spans;

    expect(span).not.toHaveProperty("endNs");
  });

  it("marks values that JSON lacks, so that nothing is lost or confused", () => {
    const attributes = {
      bytes: new Uint8Array([251, 255]),
      big: 2n ** 63n,
      nan: Number.NaN,
      infinite: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      lookalike: { $bytes: "no bytes" },
      price: { $: 1, currency: "USD" },
      nested: { list: [null, { inner: new Uint8Array() }] },
    };
    const json = toJson(buildTrace([plainSpan("span", { attributes })]));

    expect(json.spans[0]?.attributes).toEqual({
      bytes: { $bytes: "+/8=" },
      big: { $int: "9223372036854775808" },
      nan: { $float: "NaN" },
      infinite: [{ $float: "Infinity" }, { $float: "-Infinity" }],
      lookalike: { $object: { $bytes: "no bytes" } },
      price: { $: 1, currency: "USD" },
      nested: { list: [null, { inner: { $bytes: "" } }] },
    });
  });

  it("writes null for what is nested deeper than 32 levels, and for circles", () => {
    const circle: AttributeValue[] = [];
    circle.push(circle, circle);
    const trace = buildTrace([plainSpan("span", { attributes: { deep: nested(20_000), circle } })]);
    const json = JSON.stringify(toJson(trace).spans[0]?.attributes);

    expect(json).toBe(`{"deep":${"[".repeat(32)}null${"]".repeat(32)},"circle":[null,null]}`);
  });

  it("survives JSON.stringify and JSON.parse unchanged", () => {
    const json = toJson(traceFromSpans(recordedSpans()));

    expect(JSON.parse(JSON.stringify(json))).toStrictEqual(json);
  });
});
