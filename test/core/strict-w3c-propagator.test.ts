import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import {
  baggageEntryMetadataFromString,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { StrictW3CPropagator } from "@waybill/core/otel";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { malformed, passedOn, received, sent, SPAN_ID, TRACE_ID } from "../support/headers.ts";
import type { Headers } from "../support/headers.ts";

const CALLER = `00-${TRACE_ID}-${SPAN_ID}-01`;
const NAMES = ["traceparent", "tracestate", "baggage"] as const;

describe("StrictW3CPropagator", () => {
  it("names the headers that it reads and writes", () => {
    expect(new StrictW3CPropagator().fields()).toEqual(NAMES);
  });

  it("reads the trace and the baggage, each without the other", () => {
    const headers = { traceparent: CALLER, tracestate: "foo=1", baggage: "a=1" };

    expect(passedOn(headers)).toEqual(headers);
    expect(passedOn({ traceparent: CALLER })).toEqual({ traceparent: CALLER });
    expect(passedOn({ traceparent: "nonsense", tracestate: "foo=1", baggage: "a=1" })).toEqual({
      baggage: "a=1",
    });
  });

  it("changes no context without such headers, and keeps what else is in one", () => {
    const key = createContextKey("something else");
    const context = ROOT_CONTEXT.setValue(key, 17);

    expect(received({ accept: "*/*" }, context)).toBe(context);
    expect(received({ traceparent: CALLER, baggage: "a=1" }, context).getValue(key)).toBe(17);
  });

  it("sends nothing where tracing is suppressed", () => {
    const context = received({ traceparent: CALLER, tracestate: "foo=1", baggage: "a=1" });

    expect(sent(suppressTracing(context))).toEqual({});
  });
});

describe("whatever headers come", () => {
  /** Text made of what the grammars of the three headers are made of, and of what must not be in them. */
  const pieces = fc
    .array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.constantFrom(
            ...'=;,%@-_ \t\r\n"\\*/.ab0fF\u0000\u007f\u00a0é\ud83d'.split(""),
          ),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom("foo=1", "a%20=%ff", ";p=%3B", "%c3%a4", CALLER, "😀"),
        },
        { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 5 }) },
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join(""));
  const listOf = (member: RegExp) =>
    fc.array(fc.stringMatching(member), { maxLength: 40 }).map((members) => members.join(","));
  const linesOf = (list: fc.Arbitrary<string>) =>
    fc.oneof(list, pieces, fc.array(fc.oneof(list, pieces), { maxLength: 3 }));

  const headers: fc.Arbitrary<Headers> = fc.record({
    traceparent: linesOf(
      fc.stringMatching(
        /^[ \t]?(00|cc|ff)-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(-[a-z]{0,3})?[ \t]?$/,
      ),
    ),
    tracestate: linesOf(listOf(/^ ?[a-c][\d@_/*-]{0,2}=[!-+\--<>-~]{1,40} ?$/)),
    baggage: linesOf(
      listOf(/^ ?[%a-c]{1,3} ?=(%[c-f][\da-f]|%[\da-f]{2}|[#-+:<=]){0,9}(;[pq](=%2c)?)?$/),
    ),
  });

  it("throws nothing and sends nothing malformed", () => {
    fc.assert(
      fc.property(headers, (incoming) => {
        expect(malformed(passedOn(incoming))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("sends on what it receives from itself as it is", () => {
    fc.assert(
      fc.property(headers, (incoming) => {
        const outgoing = passedOn(incoming);

        expect(passedOn(outgoing)).toEqual(outgoing);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads from what it sends what it read at first", () => {
    const stated = (incoming: Headers) => {
      const context = received(incoming);
      const { traceState, ...span } = trace.getSpanContext(context) ?? {};
      const baggage = propagation.getBaggage(context)?.getAllEntries() ?? [];
      return {
        span,
        tracestate: traceState?.serialize() || undefined,
        baggage: baggage.map(([key, { value, metadata }]) => [key, value, metadata?.toString()]),
      };
    };

    fc.assert(
      fc.property(headers, (incoming) => {
        expect(stated(passedOn(incoming))).toEqual(stated(incoming));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("whatever baggage is set", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~\da-zA-Z]{1,20}$/);

  it("sends nothing malformed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(token, text), text, text), { maxLength: 80 }),
        (list) => {
          const entries = list.map(
            ([key, value, metadata]) =>
              [key, { value, metadata: baggageEntryMetadataFromString(metadata) }] as const,
          );
          const baggage = propagation.createBaggage(Object.fromEntries(entries));

          expect(malformed(sent(propagation.setBaggage(ROOT_CONTEXT, baggage)))).toEqual([]);
        },
      ),
    );
  });

  it("is received by its reader, value by value", () => {
    fc.assert(
      fc.property(fc.dictionary(token, text, { maxKeys: 8 }), (values) => {
        const entries = Object.entries(values).map(([key, value]) => [key, { value }] as const);
        const baggage = propagation.createBaggage(Object.fromEntries(entries));
        const headers = sent(propagation.setBaggage(ROOT_CONTEXT, baggage));

        const read = propagation.getBaggage(received(headers))?.getAllEntries() ?? [];
        expect(read).toEqual(
          entries.map(([key, { value }]) => [key, { value: value.toWellFormed() }]),
        );
      }),
    );
  });
});

describe("over HTTP", () => {
  const servers: ReturnType<typeof createServer>[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  /** A service that answers with the headers that it would send to others. */
  async function startService(): Promise<string> {
    const server = createServer((request, response) => {
      response.end(JSON.stringify(passedOn(request.headers as Headers)));
    });
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("passes on what a client sends", async () => {
    const url = await startService();
    const headers = {
      traceparent: `00-${TRACE_ID}-${SPAN_ID}-03`,
      tracestate: "tenant@system=1, foo=a b",
      baggage: "user.id=ad%C3%A4, flag=;p;q=%3B",
    };

    const response = await fetch(url, { headers });

    expect(await response.json()).toEqual({
      traceparent: headers.traceparent,
      tracestate: "tenant@system=1,foo=a b",
      baggage: "user.id=ad%C3%A4,flag=;p;q=%3B",
    });
  });

  it("restarts the trace when a client sends two, and reads several lines of the others", async () => {
    const url = await startService();
    const lines = (traceparents: readonly string[]): [string, string][] => [
      ...traceparents.map((line): [string, string] => ["traceparent", line]),
      ["tracestate", "foo=1"],
      ["tracestate", "bar=2"],
      ["baggage", "a=1"],
      ["baggage", "b=2"],
    ];

    const [one, two] = await Promise.all([
      fetch(url, { headers: lines([CALLER]) }),
      fetch(url, { headers: lines([CALLER, `00-${TRACE_ID}-00f067aa0ba902b7-01`]) }),
    ]);

    expect(await one.json()).toEqual({
      traceparent: CALLER,
      tracestate: "foo=1,bar=2",
      baggage: "a=1,b=2",
    });
    expect(await two.json()).toEqual({ baggage: "a=1,b=2" });
  });
});
