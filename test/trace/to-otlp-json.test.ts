import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { buildTrace, toOtlpJson, traceFromSpans } from "@waybill/trace";
import type { OtlpValue } from "@waybill/trace";
import { describe, expect, it } from "vitest";

import { nested, plainSpan } from "./plain-span.ts";
import { recordedSpans } from "./recorded-spans.ts";

describe("toOtlpJson", () => {
  it("is equal, field by field, to what OpenTelemetry's own exporter sends for the same spans", () => {
    const spans = recordedSpans();

    expect(spans).toHaveLength(3);
    expect(asJson(toOtlpJson(traceFromSpans(spans)))).toStrictEqual(serialized(spans));
  });

  it("is equal to it for a span that still runs too", () => {
    const span = new TracerProvider().getTracer("demo").startSpan("running");
    const running = [span as unknown as ReadableSpan];

    expect(asJson(toOtlpJson(traceFromSpans(running)))).toStrictEqual(serialized(running));
  });

  it.each([-(2 ** 63), 2 ** 62, -(2 ** 53), -0])("is equal to it for the number %d", (value) => {
    const span = new TracerProvider()
      .getTracer("demo")
      .startSpan("span", { attributes: { value } });
    const spans = [span as unknown as ReadableSpan];

    expect(asJson(toOtlpJson(traceFromSpans(spans)))).toStrictEqual(serialized(spans));
  });

  it("groups spans by equal resources and by library", () => {
    const shop = { resource: { "service.name": "shop" } };
    const trace = buildTrace([
      plainSpan("a", shop),
      plainSpan("b", { resource: { "service.name": "billing" }, startMs: 1 }),
      plainSpan("c", { ...shop, startMs: 2, scope: { name: "demo", version: "2" } }),
      plainSpan("d", { resource: { "service.name": "shop" }, startMs: 3 }),
      plainSpan("e", { ...shop, startMs: 4, resourceSchemaUrl: "https://example.com/1" }),
    ]);

    expect(
      toOtlpJson(trace).resourceSpans.map(({ scopeSpans }) =>
        scopeSpans.map(({ spans }) => spans.map(({ name }) => name)),
      ),
    ).toEqual([[["a", "d"], ["c"]], [["b"]], [["e"]]]);
  });

  it.each<[string, number | bigint, OtlpValue]>([
    ["NaN", Number.NaN, { doubleValue: "NaN" }],
    ["infinity", Number.NEGATIVE_INFINITY, { doubleValue: "-Infinity" }],
    ["a whole number beyond 64 bits", 1e300, { doubleValue: 1e300 }],
    ["a bigint", 2n ** 62n, { intValue: "4611686018427387904" }],
    ["the greatest bigint of 64 bits", 2n ** 63n - 1n, { intValue: "9223372036854775807" }],
    ["the least bigint of 64 bits", -(2n ** 63n), { intValue: "-9223372036854775808" }],
    ["a bigint beyond 64 bits", 2n ** 63n, { doubleValue: 2 ** 63 }],
    ["a bigint below them", -(2n ** 63n) - 1n, { doubleValue: -(2 ** 63) }],
    ["a bigint beyond all numbers", 2n ** 2000n, { doubleValue: "Infinity" }],
    ["a whole number just beyond 64 bits", 2 ** 63, { doubleValue: 2 ** 63 }],
  ])("writes %s so that a receiver can read it", (_, value, written) => {
    const trace = buildTrace([plainSpan("span", { attributes: { value } })]);

    expect(toOtlpJson(trace).resourceSpans[0]?.scopeSpans[0]?.spans[0]?.attributes).toEqual([
      { key: "value", value: written },
    ]);
  });
});

it("writes null for what is nested deeper than 32 levels", () => {
  const deep = { deep: nested(20_000) };
  const trace = buildTrace([plainSpan("span", { attributes: deep, resource: deep })]);

  expect(JSON.stringify(toOtlpJson(trace)).match(/"arrayValue"/g)).toHaveLength(64);
});

function serialized(spans: ReadableSpan[]): unknown {
  return JSON.parse(new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans)));
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
