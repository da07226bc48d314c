import { buildSpanTree } from "./span-tree.ts";
import type { SpanNode } from "./span-tree.ts";
import type { Span } from "./span.ts";
import { traceIdentity } from "./trace-identity.ts";
import type { TraceIdentity } from "./trace-identity.ts";
import { sumUsage } from "./usage-totals.ts";
import type { UsageTotals } from "./usage-totals.ts";

/** The work that one request caused, as plain data. */
export interface Trace {
  /** 32 lowercase hex digits. */
  readonly traceId: string;

  /** All spans in the order of their start; of those that start together, a parent before its children. */
  readonly spans: readonly Span[];

  /** The spans as trees, in the order of their start: one tree, unless a parent is not here. */
  readonly roots: readonly SpanNode[];

  /** The earliest start, in nanoseconds since the Unix epoch. */
  readonly startNs: bigint;

  /** The latest moment that any span knows of, in nanoseconds since the Unix epoch. */
  readonly endNs: bigint;

  /** From the start to the end, in nanoseconds. */
  readonly durationNs: bigint;

  /** `service.name` of the processes that took part, each once, in the order in which they joined. */
  readonly serviceNames: readonly string[];
  readonly identity: TraceIdentity;

  /** The tokens of all model calls. */
  readonly usage: UsageTotals;

  /** How many spans have the status `error`. */
  readonly errorCount: number;

  /** How many spans are known to be left out. */
  readonly droppedSpans: number;

  /**
   * Whether every span has ended, none was left out and no parent is missing. The parent in another process does not
   * count as missing.
   */
  readonly complete: boolean;
}

/** What the spans of a trace do not say by themselves. */
export interface BuildTraceOptions {
  /**
   * How many spans were left out, as by whoever recorded the trace.
   *
   * @default 0
   */
  readonly droppedSpans?: number;
}

/**
 * Puts the spans of one trace together, in whatever order they are given.
 *
 * No span is lost: one whose parent is not here becomes a root, parents in a circle are cut apart at their earliest
 * span, and spans with the same id are all kept.
 *
 * @throws TypeError if there is no span, or if they are not all of the same trace.
 */
export function buildTrace(
  spans: readonly Span[],
  { droppedSpans = 0 }: BuildTraceOptions = {},
): Trace {
  const traceId = commonTraceId(spans);
  const tree = buildSpanTree(spans);
  const startNs = spans.reduce((first, span) => min(first, span.startNs), spans[0]?.startNs ?? 0n);
  const endNs = latestMoment(spans, startNs);
  const services = tree.spans.map(({ resource }) => resource["service.name"]);

  return {
    traceId,
    spans: tree.spans,
    roots: tree.roots,
    startNs,
    endNs,
    durationNs: endNs - startNs,
    serviceNames: [...new Set(services.filter((name) => typeof name === "string"))],
    identity: traceIdentity(tree.spans),
    usage: sumUsage(tree.spans),
    errorCount: spans.filter(({ status }) => status.code === "error").length,
    droppedSpans,
    complete:
      droppedSpans === 0 &&
      tree.missingParents === 0 &&
      spans.every((span) => span.endNs !== undefined),
  };
}

function commonTraceId(spans: readonly Span[]): string {
  const [first] = spans;
  if (first === undefined) throw new TypeError("a trace needs at least one span, got none");
  const stranger = spans.find(({ traceId }) => traceId !== first.traceId);
  if (stranger !== undefined) {
    throw new TypeError(
      `the spans of a trace must have one trace id, got ${first.traceId} and ${stranger.traceId}`,
    );
  }
  return first.traceId;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function latestMoment(spans: readonly Span[], startNs: bigint): bigint {
  let latest = startNs;
  for (const span of spans) {
    const known = span.endNs ?? span.startNs;
    if (known > latest) latest = known;
  }
  return latest;
}
