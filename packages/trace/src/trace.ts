import type { Span } from "./span.ts";

/** A span with the spans it caused, in the order of their start. */
export interface SpanNode {
  readonly span: Span;
  readonly children: readonly SpanNode[];
}

/** Whose work a trace is. */
export interface TraceIdentity {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly conversationId?: string;

  /** In the order in which they began to work. */
  readonly agentNames: readonly string[];
}

/** The tokens of all model calls of a trace. */
export interface UsageTotals {
  /** The cached part included. */
  readonly inputTokens: number;

  /** Reasoning included. */
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
}

/** The work that one request caused, as plain data. */
export interface Trace {
  readonly traceId: string;

  /** All spans, in the order of their start; a parent before its children. */
  readonly spans: readonly Span[];

  /** The trees of the trace: one, unless a parent is missing here. */
  readonly roots: readonly SpanNode[];

  /** The earliest start, in nanoseconds since the Unix epoch. */
  readonly startNs: bigint;

  /** The latest end known, in nanoseconds since the Unix epoch. */
  readonly endNs: bigint;
  readonly durationNs: bigint;
  readonly serviceNames: readonly string[];
  readonly identity: TraceIdentity;
  readonly usage: UsageTotals;

  /** How many spans have the status `error`. */
  readonly errorCount: number;

  /** Whether every span has ended, and every parent that belongs to this process is here. */
  readonly complete: boolean;
}

const MODEL_CALLS: ReadonlySet<unknown> = new Set([
  "chat",
  "generate_content",
  "text_completion",
  "embeddings",
]);

/**
 * Puts the spans of one trace together.
 *
 * A span whose parent is not among them becomes a root; where parents form a circle, its earliest span does too. No span is
 * lost, two with the same id included.
 *
 * @throws TypeError if there is no span, or if they are not all of the same trace.
 */
export function buildTrace(given: readonly Span[]): Trace {
  const [first] = given;
  if (first === undefined) throw new TypeError("buildTrace: a trace needs at least one span");
  const stranger = given.find(({ traceId }) => traceId !== first.traceId);
  if (stranger !== undefined) {
    throw new TypeError(
      `buildTrace: the spans are of several traces: ${first.traceId} and ${stranger.traceId}`,
    );
  }

  const { roots, spans, missingParents } = buildTree(given);
  const startNs = given.reduce(
    (least, span) => (span.startNs < least ? span.startNs : least),
    first.startNs,
  );
  const endNs = given.reduce((most, span) => {
    const known = span.endNs ?? span.startNs;
    return known > most ? known : most;
  }, first.endNs ?? first.startNs);

  return {
    traceId: first.traceId,
    spans,
    roots,
    startNs,
    endNs,
    durationNs: endNs - startNs,
    serviceNames: distinct(spans.map(({ resource }) => resource["service.name"])),
    identity: identityOf(spans),
    usage: usageOf(spans),
    errorCount: spans.filter(({ status }) => status.code === "error").length,
    complete: missingParents === 0 && spans.every(({ endNs: end }) => end !== undefined),
  };
}

interface OpenNode {
  readonly span: Span;
  readonly children: OpenNode[];
}

function buildTree(given: readonly Span[]): {
  roots: readonly SpanNode[];
  spans: readonly Span[];
  missingParents: number;
} {
  const nodes = given.toSorted(byStart).map((span): OpenNode => ({ span, children: [] }));
  const byId = new Map<string, OpenNode>();
  for (const node of nodes) if (!byId.has(node.span.spanId)) byId.set(node.span.spanId, node);

  const roots: OpenNode[] = [];
  let missingParents = 0;
  for (const node of nodes) {
    const { parentSpanId, parentIsRemote } = node.span;
    const parent = parentSpanId === undefined ? undefined : byId.get(parentSpanId);
    if (parentSpanId !== undefined && parent === undefined && !parentIsRemote) missingParents += 1;
    (parent?.children ?? roots).push(node);
  }

  // What no root leads to hangs on a circle of parents: it is cut open at its earliest span.
  const reached = new Set(depthFirst(roots));
  for (const node of nodes) {
    if (reached.has(node)) continue;
    const siblings = byId.get(node.span.parentSpanId ?? "")?.children;
    siblings?.splice(siblings.indexOf(node), 1);
    roots.push(node);
    for (const below of depthFirst([node])) reached.add(below);
  }
  roots.sort((a, b) => byStart(a.span, b.span));

  const spans = depthFirst(roots).map(({ span }) => span);
  return { roots, spans: spans.toSorted(byStart), missingParents };
}

function depthFirst(roots: readonly OpenNode[]): OpenNode[] {
  const nodes: OpenNode[] = [];
  const waiting = roots.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    nodes.push(node);
    for (const child of node.children.toReversed()) waiting.push(child);
  }
  return nodes;
}

/** Earlier first. Sorting is stable, so spans that start together keep the order in which they were given. */
function byStart(a: Span, b: Span): number {
  if (a.startNs === b.startNs) return 0;
  return a.startNs < b.startNs ? -1 : 1;
}

function identityOf(spans: readonly Span[]): TraceIdentity {
  const [userId] = distinct(spans.map(({ attributes }) => attributes["user.id"]));
  const [sessionId] = distinct(spans.map(({ attributes }) => attributes["session.id"]));
  const [conversationId] = distinct(
    spans.map(({ attributes }) => attributes["gen_ai.conversation.id"]),
  );
  return {
    ...(userId !== undefined && { userId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(conversationId !== undefined && { conversationId }),
    agentNames: distinct(spans.map(({ attributes }) => attributes["gen_ai.agent.name"])),
  };
}

/** Counted on model calls only: an agent's span may repeat the total of those below it. */
function usageOf(spans: readonly Span[]): UsageTotals {
  const calls = spans.filter(({ attributes }) =>
    MODEL_CALLS.has(attributes["gen_ai.operation.name"]),
  );
  const total = (...names: readonly string[]): number =>
    calls.reduce((sum, { attributes }) => {
      const value = names
        .map((name) => attributes[`gen_ai.usage.${name}`])
        .find((count) => count !== undefined);
      return sum + (typeof value === "number" && Number.isFinite(value) ? value : 0);
    }, 0);
  return {
    inputTokens: total("input_tokens"),
    outputTokens: total("output_tokens"),
    cacheReadTokens: total("cache_read.input_tokens"),
    cacheWriteTokens: total("cache_write.input_tokens", "cache_creation.input_tokens"),
    reasoningTokens: total("reasoning.output_tokens"),
  };
}

function distinct(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value) => typeof value === "string"))];
}
