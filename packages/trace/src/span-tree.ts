import type { Span } from "./span.ts";

/** A span with the spans it caused, in the order of their start. */
export interface SpanNode {
  readonly span: Span;
  readonly children: readonly SpanNode[];
}

/** Spans of one trace, put in order. */
export interface SpanTree {
  readonly roots: readonly SpanNode[];

  /** All spans in the order of their start; of those that start together, a parent before its children. */
  readonly spans: readonly Span[];

  /** How many spans have a parent that is not among them and not of another process. */
  readonly missingParents: number;
}

/**
 * Hangs each span below its parent. A span whose parent is not among them becomes a root; of parents in a circle the
 * earliest span does. Of spans with the same id the earliest is the parent, and all are kept. Spans that start together
 * keep the order in which they are given.
 */
export function buildSpanTree(given: readonly Span[]): SpanTree {
  const spans = given.toSorted(byStart);
  const nodes = spans.map((span) => ({ span, children: [] as SpanNode[] }));
  const { parents, missingParents } = findParents(spans);
  cutCircles(parents);

  const roots: SpanNode[] = [];
  for (const [index, node] of nodes.entries()) {
    const parent = parents[index];
    const siblings = parent === undefined ? roots : nodes[parent]?.children;
    siblings?.push(node);
  }
  const depthFirst = Array.from(nodesOf(roots), ({ span }) => span);
  return { roots, spans: depthFirst.toSorted(byStart), missingParents };
}

/** The nodes of trees, each before its children, however deep they are. */
export function* nodesOf(roots: readonly SpanNode[]): Generator<SpanNode, void> {
  const waiting = roots.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    for (const child of node.children.toReversed()) waiting.push(child);
  }
}

/** The index of a span's parent, by the index of the span. */
type ParentIndexes = (number | undefined)[];

function findParents(spans: readonly Span[]): {
  readonly parents: ParentIndexes;
  readonly missingParents: number;
} {
  const indexes = new Map<string, number>();
  for (const [index, { spanId }] of spans.entries()) {
    if (!indexes.has(spanId)) indexes.set(spanId, index);
  }
  let missingParents = 0;
  const parents = spans.map(({ parentSpanId, parentIsRemote }) => {
    if (parentSpanId === undefined) return undefined;
    const parent = indexes.get(parentSpanId);
    if (parent === undefined && parentIsRemote !== true) missingParents += 1;
    return parent;
  });
  return { parents, missingParents };
}

/** Takes the parent away from the earliest span of each circle. Each span is visited once. */
function cutCircles(parents: ParentIndexes): void {
  const visitedFrom = new Map<number, number>();
  for (const start of parents.keys()) {
    let at: number | undefined = start;
    while (at !== undefined && !visitedFrom.has(at)) {
      visitedFrom.set(at, start);
      at = parents[at];
    }
    const closesCircle = at !== undefined && visitedFrom.get(at) === start;
    if (at !== undefined && closesCircle) parents[earliestOnCircle(at, parents)] = undefined;
  }
}

function earliestOnCircle(start: number, parents: Readonly<ParentIndexes>): number {
  let earliest = start;
  for (let at = parents[start]; at !== undefined && at !== start; at = parents[at]) {
    earliest = Math.min(earliest, at);
  }
  return earliest;
}

/**
 * By the millisecond of their start; within one, spans keep the order in which they are given. Many tracers know the start
 * to the millisecond only, and its fractions would put their spans before others that started earlier.
 */
function byStart(a: Span, b: Span): number {
  const [first, second] = [a.startNs / NS_PER_MS, b.startNs / NS_PER_MS];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

const NS_PER_MS = 1_000_000n;
