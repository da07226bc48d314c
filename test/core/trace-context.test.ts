import { createTraceState, ROOT_CONTEXT, trace, TraceFlags } from "@opentelemetry/api";
import type { SpanContext } from "@opentelemetry/api";
import { AlwaysOffSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Sampler } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";

import { malformed, passedOn, received, sent, SPAN_ID, TRACE_ID } from "../support/headers.ts";

const CALLER = `00-${TRACE_ID}-${SPAN_ID}-01`;

describe("traceparent", () => {
  it("names the caller's span, which is a remote one", () => {
    const span = trace.getSpanContext(received({ traceparent: CALLER }));

    expect(span).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    });
  });

  it.each([
    ["sampled", CALLER, "01"],
    ["not sampled", `00-${TRACE_ID}-${SPAN_ID}-00`, "00"],
    ["random and sampled", `00-${TRACE_ID}-${SPAN_ID}-03`, "03"],
    ["random", `00-${TRACE_ID}-${SPAN_ID}-02`, "02"],
    ["all flags", `00-${TRACE_ID}-${SPAN_ID}-ff`, "03"],
    ["unknown flags only", `00-${TRACE_ID}-${SPAN_ID}-fc`, "00"],
    ["a higher version", `cc-${TRACE_ID}-${SPAN_ID}-01`, "01"],
    ["a higher version with more", `cc-${TRACE_ID}-${SPAN_ID}-01-what-the-future-brings`, "01"],
    ["a higher version with a dash", `01-${TRACE_ID}-${SPAN_ID}-01-`, "01"],
    ["version fe", `fe-${TRACE_ID}-${SPAN_ID}-01`, "01"],
    ["spaces before", `  ${CALLER}`, "01"],
    ["spaces behind", `${CALLER}  `, "01"],
    ["tabs around", `\t${CALLER}\t`, "01"],
    ["both around", ` \t${CALLER} \t`, "01"],
    ["ids that begin with zeros", `00-${"0".repeat(31)}1-${"0".repeat(15)}1-01`, "01"],
  ])("is understood: %s", (_title, traceparent, flags) => {
    const [, traceId, spanId] = traceparent.trim().split("-");

    expect(passedOn({ traceparent })).toEqual({
      traceparent: `00-${traceId}-${spanId}-${flags}`,
    });
  });

  it.each([
    ["empty", ""],
    ["blank", " \t "],
    ["version ff", `ff-${TRACE_ID}-${SPAN_ID}-01`],
    ["version ff with more", `ff-${TRACE_ID}-${SPAN_ID}-01-more`],
    ["an upper-case version", `CC-${TRACE_ID}-${SPAN_ID}-01`],
    ["a version of one digit", `0-${TRACE_ID}-${SPAN_ID}-01`],
    ["a version of three digits", `000-${TRACE_ID}-${SPAN_ID}-01`],
    ["a version that is no number", `.0-${TRACE_ID}-${SPAN_ID}-01`],
    ["version 00 with more", `${CALLER}-more`],
    ["version 00 with a dash", `${CALLER}-`],
    ["version 00 with a point", `${CALLER}.`],
    ["a higher version with a point", `cc-${TRACE_ID}-${SPAN_ID}-01.what-the-future-brings-not`],
    ["a higher version that is too short", `cc-${TRACE_ID}-${SPAN_ID}-0`],
    ["a zero trace id", `00-${"0".repeat(32)}-${SPAN_ID}-01`],
    ["a zero span id", `00-${TRACE_ID}-${"0".repeat(16)}-01`],
    ["zero ids in a higher version", `cc-${"0".repeat(32)}-${"0".repeat(16)}-01`],
    ["an upper-case trace id", `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`],
    ["an upper-case span id", `00-${TRACE_ID}-${SPAN_ID.toUpperCase()}-01`],
    ["a trace id with a point", `00-.${TRACE_ID.slice(1)}-${SPAN_ID}-01`],
    ["a trace id with a letter too many", `00-${TRACE_ID.slice(1)}g-${SPAN_ID}-01`],
    ["a span id with a point", `00-${TRACE_ID}-.${SPAN_ID.slice(1)}-01`],
    ["a short trace id", `00-${TRACE_ID.slice(1)}-${SPAN_ID}-01`],
    ["a long trace id", `00-${TRACE_ID}0-${SPAN_ID}-01`],
    ["a short span id", `00-${TRACE_ID}-${SPAN_ID.slice(1)}-01`],
    ["a long span id", `00-${TRACE_ID}-${SPAN_ID}0-01`],
    ["flags of one digit", `00-${TRACE_ID}-${SPAN_ID}-1`],
    ["flags of three digits", `00-${TRACE_ID}-${SPAN_ID}-001`],
    ["flags with a point", `00-${TRACE_ID}-${SPAN_ID}-.0`],
    ["upper-case flags", `00-${TRACE_ID}-${SPAN_ID}-0A`],
    ["no flags", `00-${TRACE_ID}-${SPAN_ID}`],
    ["no flags but a dash", `00-${TRACE_ID}-${SPAN_ID}-`],
    ["underscores", CALLER.replaceAll("-", "_")],
    ["white space that HTTP does not know", `\u00a0${CALLER}\u00a0`],
    ["a line break at the end", `${CALLER}\n`],
    ["a byte order mark", `\ufeff${CALLER}`],
    ["digits of another script", `٠٠-${TRACE_ID}-${SPAN_ID}-01`],
    ["two in one line", `${CALLER}, ${CALLER}`],
    ["two of a higher version in one line", `cc-${TRACE_ID}-${SPAN_ID}-01-x,${CALLER}`],
    ["16 KiB of blanks", `${" ".repeat(16_384)}x`],
    ["16 KiB of digits", "0".repeat(16_384)],
  ])("is ignored, and its tracestate with it: %s", (_title, traceparent) => {
    expect(received({ traceparent, tracestate: "foo=1" })).toBe(ROOT_CONTEXT);
    expect(passedOn({ traceparent, tracestate: "foo=1" })).toEqual({});
  });

  it.each([
    ["the same one twice", [CALLER, CALLER]],
    ["two", [CALLER, `00-${TRACE_ID}-00f067aa0ba902b7-01`]],
    ["one and an empty one", [CALLER, ""]],
  ])("is ignored if it comes in several lines: %s", (_title, traceparent) => {
    expect(passedOn({ traceparent, tracestate: "foo=1" })).toEqual({});
  });

  it("is understood as the only line of several", () => {
    expect(passedOn({ traceparent: [CALLER] })).toEqual({ traceparent: CALLER });
  });

  it("is ignored where the carrier holds something else under its name", () => {
    const carrier = { traceparent: 17, tracestate: {}, baggage: [null, 5] };

    expect(passedOn(carrier as never)).toEqual({});
  });

  it("leaves the span that is active already, if it is invalid", () => {
    const active = received({ traceparent: CALLER, tracestate: "foo=1" });

    expect(sent(received({ traceparent: "nonsense", tracestate: "bar=2" }, active))).toEqual({
      traceparent: CALLER,
      tracestate: "foo=1",
    });
  });

  it.each<[string, Partial<SpanContext>, string | undefined]>([
    ["flags above one digit", { traceFlags: 0xff }, `00-${TRACE_ID}-${SPAN_ID}-03`],
    ["flags above one byte", { traceFlags: 0x1ff00 }, `00-${TRACE_ID}-${SPAN_ID}-00`],
    ["flags that are negative", { traceFlags: -1 }, `00-${TRACE_ID}-${SPAN_ID}-03`],
    ["flags that are no number", { traceFlags: Number.NaN }, `00-${TRACE_ID}-${SPAN_ID}-00`],
    ["flags that are missing", { traceFlags: undefined as never }, `00-${TRACE_ID}-${SPAN_ID}-00`],
    ["upper-case ids", { traceId: TRACE_ID.toUpperCase(), spanId: SPAN_ID.toUpperCase() }, CALLER],
    ["a zero trace id", { traceId: "0".repeat(32) }, undefined],
    ["a zero span id", { spanId: "0".repeat(16) }, undefined],
    ["a trace id of 64 bits", { traceId: SPAN_ID }, undefined],
    ["ids that are none", { traceId: "\r\nx: y", spanId: "" }, undefined],
  ])("goes out valid or not at all, whatever span is active: %s", (_title, odd, expected) => {
    const span = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: TraceFlags.SAMPLED, ...odd };

    expect(sent(trace.setSpanContext(ROOT_CONTEXT, span)).traceparent).toBe(expected);
  });

  it("goes out nowhere outside a span", () => {
    expect(sent(ROOT_CONTEXT)).toEqual({});
  });
});

describe("the random flag", () => {
  const RANDOM = `00-${TRACE_ID}-${SPAN_ID}-03`;
  const startSpan = (context = ROOT_CONTEXT, sampler?: Sampler) => {
    const tracer = new TracerProvider({ ...(sampler && { sampler }) }).getTracer("test");
    return trace.setSpan(context, tracer.startSpan("work", {}, context));
  };
  const sentFlags = (context = ROOT_CONTEXT) => sent(context).traceparent?.split("-")[3];

  it("goes out with every span of the caller's trace, though the SDK forgets it", () => {
    const child = startSpan(received({ traceparent: RANDOM }));
    const grandchild = startSpan(child);

    expect(trace.getSpanContext(grandchild)?.traceFlags).toBe(TraceFlags.SAMPLED);
    expect([sentFlags(child), sentFlags(grandchild)]).toEqual(["03", "03"]);
  });

  it("goes out with a span that is not sampled", () => {
    const child = startSpan(received({ traceparent: RANDOM }), new AlwaysOffSampler());

    expect(sentFlags(child)).toBe("02");
  });

  it("is not invented", () => {
    expect(sentFlags(startSpan())).toBe("01");
    expect(sentFlags(startSpan(received({ traceparent: CALLER })))).toBe("01");
  });

  it("does not pass to another trace", () => {
    const caller = received({ traceparent: RANDOM });
    const other = startSpan(trace.deleteSpan(caller));

    expect(sentFlags(other)).toBe("01");
  });

  it("is what the latest caller says", () => {
    const first = received({ traceparent: RANDOM });

    expect(sentFlags(startSpan(received({ traceparent: CALLER }, first)))).toBe("01");
  });
});

describe("tracestate", () => {
  const tracestateAfter = (tracestate: string | readonly string[]) =>
    passedOn({ traceparent: CALLER, tracestate }).tracestate;
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, index) => `bar${index + 1}=${index + 1}`).join(",");

  it.each([
    ["one member", "foo=1"],
    ["two members", "foo=1,bar=2"],
    ["32 members", numbered(32)],
    ["a key that begins with a digit", "1foo=1"],
    ["a key of one character", "f=1"],
    ["all characters of a key", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@=1"],
    ["a tenant and a system", "tenant@system=1"],
    ["@ at the end", "foo@=1,bar=2"],
    ["@ twice", "foo@@bar=1"],
    ["@ apart", "foo@bar@baz=1"],
    ["@ and a digit", "foo@1bar=1"],
    ["a long tenant", `${"t".repeat(242)}@v=1`],
    ["a long system", `t@${"v".repeat(15)}=1`],
    ["a key of 256 characters", `${"z".repeat(256)}=1`],
    ["a value of 256 characters", `foo=${"v".repeat(256)}`],
    ["a value with spaces", "foo=b a r"],
    ["a value that begins with a space", "foo= 1"],
    [
      "all characters of a value",
      `foo=${Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
        .filter((character) => character !== "," && character !== "=")
        .join("")}`,
    ],
    ["512 characters", `foo=${"v".repeat(251)},bar=${"v".repeat(252)}`],
  ])("is passed on as it came: %s", (_title, tracestate) => {
    expect(tracestateAfter(tracestate)).toBe(tracestate);
  });

  it.each([
    ["spaces and tabs around members", " foo=1 \t , \t bar=2, \t baz=3\t", "foo=1,bar=2,baz=3"],
    ["empty members", ",foo=1,,bar=2, ,\t,", "foo=1,bar=2"],
    ["32 members and empty ones", `,${numbered(32)},,`, numbered(32)],
    ["several lines", ["foo=1", "bar=2"], "foo=1,bar=2"],
    ["several lines with lists", ["foo=1,bar=2", "", "baz=3 "], "foo=1,bar=2,baz=3"],
    ["a line with a comma at its end", ["foo=1,", "bar=2"], "foo=1,bar=2"],
    ["a key that comes twice", "foo=1,bar=2,foo=3", "foo=1,bar=2"],
  ])("is tidied: %s", (_title, tracestate, expected) => {
    expect(tracestateAfter(tracestate)).toBe(expected);
  });

  it.each([
    ["empty", ""],
    ["blank", " \t"],
    ["commas", ",,,"],
    ["33 members", numbered(33)],
    ["33 members in two lines", [numbered(32), "foo=1"]],
    ["33 members with one key", Array.from({ length: 33 }, () => "foo=1")],
    ["a space behind the key", "foo =1,bar=2"],
    ["an upper-case key", "FOO=1,bar=2"],
    ["a point in the key", "foo.bar=1,bar=2"],
    ["@ at the start of the key", "@foo=1,bar=2"],
    ["_ at the start of the key", "_foo=1,bar=2"],
    ["no key", "=1,bar=2"],
    ["a key of 257 characters", `${"z".repeat(257)}=1,bar=2`],
    ["a tenant and a system of 257 characters", `${"t".repeat(242)}@${"v".repeat(14)}=1,bar=2`],
    ["= in the value", "foo=bar=baz,bar=2"],
    ["an empty value", "foo=,bar=2"],
    ["a blank value", "foo= ,bar=2"],
    ["a value of 257 characters", `foo=${"v".repeat(257)},bar=2`],
    ["a tab in the value", "foo=b\ta,bar=2"],
    ["a line break in the value", "foo=b\r\nx: y,bar=2"],
    ["a control character in the value", "foo=b\u0007,bar=2"],
    ["a value that is not ASCII", "foo=bär,bar=2"],
    ["a no-break space at the end", "foo=1\u00a0,bar=2"],
    ["no equals sign", "foo,bar=2"],
    ["semicolons for commas", "foo=1;bar=2,baz"],
    ["something malformed at the end", "bar=2,foo"],
    ["more than 32 members could have", `foo=1,${" ".repeat(16_500)},bar=2`],
  ])("is dropped as a whole, and the trace is not: %s", (_title, tracestate) => {
    expect(passedOn({ traceparent: CALLER, tracestate })).toEqual({ traceparent: CALLER });
  });

  it("is dropped without a traceparent", () => {
    expect(passedOn({ tracestate: "foo=1" })).toEqual({});
  });

  it("is shortened to 512 characters by whole members, those of more than 128 first, then from the end", () => {
    const small = (name: string) => `${name}=${"s".repeat(100)}`;
    const just128 = `just=${"s".repeat(123)}`;
    const large = (name: string) => `${name}=${"l".repeat(200)}`;
    const cases = [
      [
        [large("a"), small("b"), large("c"), small("d")],
        ["a", "b", "d"],
      ],
      [
        [large("a"), small("b"), large("c"), ...["d", "e", "f"].map(small)],
        ["b", "d", "e", "f"],
      ],
      [
        [just128, small("a"), small("b"), small("c"), small("d")],
        ["just", "a", "b", "c"],
      ],
      [
        [large("a"), ...["b", "c", "d", "e", "f"].map(small)],
        ["b", "c", "d", "e"],
      ],
    ] as const;

    for (const [members, expected] of cases) {
      const shortened = tracestateAfter(members.join(","));
      expect(shortened?.split(",").map((member) => member.split("=")[0])).toEqual(expected);
    }
  });

  it("goes on with the spans of the service", () => {
    const caller = received({ traceparent: CALLER, tracestate: "foo=1" });
    const span = new TracerProvider().getTracer("test").startSpan("work", {}, caller);

    expect(sent(trace.setSpan(caller, span)).tracestate).toBe("foo=1");
  });

  it("can be read and changed, without changing what was received", () => {
    const caller = received({ traceparent: CALLER, tracestate: "foo=1,bar=2" });
    const state = trace.getSpanContext(caller)?.traceState;

    expect([state?.get("bar"), state?.get("baz")]).toEqual(["2", undefined]);
    expect(state?.set("baz", "3").serialize()).toBe("baz=3,foo=1,bar=2");
    expect(state?.set("bar", "4").serialize()).toBe("bar=4,foo=1");
    expect(state?.unset("foo").serialize()).toBe("bar=2");
    expect(state?.unset("foo").unset("bar").serialize()).toBe("");
    expect(state?.set("Not a key", "3").serialize()).toBe("foo=1,bar=2");
    expect(state?.set("baz", "not, a value").serialize()).toBe("foo=1,bar=2");
    expect(sent(caller).tracestate).toBe("foo=1,bar=2");
  });

  it("has 32 members at most: a new one takes the place of the last", () => {
    const caller = received({ traceparent: CALLER, tracestate: numbered(32) });
    const state = trace.getSpanContext(caller)?.traceState?.set("new", "1");

    expect(state?.serialize()).toBe(`new=1,${numbered(31)}`);
  });

  it("goes out valid or not at all, whoever made it", () => {
    const span = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: TraceFlags.SAMPLED };
    const serialized = (text: string) => ({
      ...createTraceState(),
      serialize: () => text,
    });
    const sentWith = (traceState: SpanContext["traceState"]) =>
      sent(trace.setSpanContext(ROOT_CONTEXT, { ...span, ...(traceState && { traceState }) }));

    expect(sentWith(createTraceState("foo=1,bar=2")).tracestate).toBe("foo=1,bar=2");
    expect(sentWith(createTraceState())).toEqual({ traceparent: CALLER });
    expect(sentWith(serialized("foo=1\r\nx: y") as never)).toEqual({ traceparent: CALLER });
    expect(malformed(sentWith(serialized(`a=${"x".repeat(250)},`.repeat(9)) as never))).toEqual([]);
  });
});
