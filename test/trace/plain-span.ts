import type { AttributeValue, Span } from "@waybill/trace";

export const TRACE_ID = "9c1f4e2a7b3d58604a1e0cf2d6b79835";

/** When the test traces begin, in nanoseconds since the Unix epoch. */
export const EPOCH_NS = 1_795_359_600_000_000_000n;

/** What a test says about a span; the rest is the ordinary case. */
export interface PlainSpanOptions extends Partial<Span> {
  readonly parent?: Span;

  /** Since {@link EPOCH_NS}. */
  readonly startMs?: number;

  /** Since {@link EPOCH_NS}; `undefined` for a span that runs. */
  readonly endMs?: number | undefined;
}

/** A span with an id made of its name, unless it has one. */
export function plainSpan(name: string, options: PlainSpanOptions = {}): Span {
  const { parent, startMs = 0, endMs, ...given } = options;
  const endNs = "endMs" in options ? endMs : startMs + 1;
  return {
    traceId: TRACE_ID,
    spanId: spanIdOf(name),
    ...(parent && { parentSpanId: parent.spanId }),
    name,
    kind: "internal",
    startNs: nanoseconds(startMs),
    ...(endNs !== undefined && { endNs: nanoseconds(endNs) }),
    status: { code: "unset" },
    attributes: {},
    events: [],
    links: [],
    resource: { "service.name": "support-desk" },
    scope: { name: "demo" },
    traceFlags: 1,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...given,
  };
}

/** Lists in lists. */
export function nested(levels: number): AttributeValue {
  let value: AttributeValue = "innermost";
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

/** A span id that begins with a name's letters. */
export function spanIdOf(name: string): string {
  return Buffer.from(name).toString("hex").slice(0, 16).padEnd(16, "0");
}

function nanoseconds(ms: number): bigint {
  return EPOCH_NS + BigInt(Math.round(ms * 1e6));
}
