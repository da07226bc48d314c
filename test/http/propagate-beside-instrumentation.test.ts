import { propagation } from "@opentelemetry/api";
import type { TextMapPropagator } from "@opentelemetry/api";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { withBaggage, withSpan } from "@waybill/core";
import { propagatingFetch } from "@waybill/core/http";
import { guardBaggage, StrictW3CPropagator } from "@waybill/core/otel";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startHeaderReceiver } from "../support/header-receiver.ts";
import type { HeaderReceiver } from "../support/header-receiver.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";

/** A header of one line. */
const ONE = [expect.any(String)];

const THEIRS = "00-12345678901234567890123456789012-1234567890123456-01";

const PROPAGATORS: readonly (readonly [string, () => TextMapPropagator])[] = [
  ["StrictW3CPropagator", () => new StrictW3CPropagator()],
  [
    "guardBaggage that allows nobody",
    () => guardBaggage(new StrictW3CPropagator(), { allowHosts: [] }),
  ],
];

let receiver: HeaderReceiver;
let url: string;
let recording: Recording;
beforeAll(async () => {
  receiver = await startHeaderReceiver();
  ({ url } = receiver);
});
beforeEach(() => {
  receiver.forget();
  recording = startRecording();
});
afterEach(() => recording.stop());
afterAll(() => receiver.close());

/** Runs `fn` with a span active, and baggage of one entry. */
function inSpan<T>(fn: () => T): T {
  return withSpan("work", () => withBaggage({ tenant: "acme" }, fn));
}

describe.each(PROPAGATORS)(
  "propagatingFetch beside an instrumentation of fetch, under %s",
  (_title, setUp) => {
    let instrumentation: UndiciInstrumentation;
    beforeEach(() => {
      propagation.disable();
      propagation.setGlobalPropagator(setUp());
      instrumentation = new UndiciInstrumentation();
      instrumentation.enable();
    });
    afterEach(() => instrumentation.disable());

    it("sends one traceparent, that of the span in which it was called, also on a redirect", async () => {
      const fetch = propagatingFetch();

      await inSpan(async () => (await fetch(`${url}moved`)).text());
      await recording.idle();

      const { traceId, spanId } = spanNamed(recording.spans(), "work").spanContext();
      const expected = [`00-${traceId}-${spanId}-01`];
      expect(receiver.values("traceparent")).toEqual([expected, expected]);
      expect(recording.spans().filter(({ name }) => name === "GET")).toHaveLength(2);
    });

    it("sends the traceparent that a request has, and no other", async () => {
      await inSpan(async () =>
        (await propagatingFetch()(url, { headers: { traceparent: THEIRS } })).text(),
      );

      expect(receiver.values("traceparent")).toEqual([[THEIRS]]);
    });

    it("leaves other requests to the instrumentation, also those that the given fetch makes through it", async () => {
      const outer: typeof fetch = propagatingFetch(async (input, init) => {
        await propagatingFetch()(`${url}token`);
        return globalThis.fetch(input, init);
      });

      await inSpan(async () => {
        await (await outer(url)).text();
        await (await globalThis.fetch(url)).text();
      });
      await recording.idle();

      expect(receiver.values("traceparent")).toEqual([ONE, ONE, ONE]);
      const last = recording.spans().at(-1)?.spanContext().spanId;
      expect(receiver.values("traceparent").at(-1)?.[0]).toContain(last);
    });
  },
);
