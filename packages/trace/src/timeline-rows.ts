import type { DrawingSigns } from "./drawing-signs.ts";
import { harmlessText } from "./harmless-text.ts";
import { spanDetails } from "./span-details.ts";
import type { SpanDetail } from "./span-details.ts";
import { nodesOf } from "./span-tree.ts";
import type { SpanNode } from "./span-tree.ts";
import type { Span } from "./span.ts";

/** A span's part of a timeline, before it is fitted into columns. Every text of it is harmless. */
export interface TimelineRow {
  readonly span: Span;

  /** The branches of the tree before the name. */
  readonly branches: string;

  /** The branches of the tree on a line below the name. */
  readonly branchesBelow: string;
  readonly name: string;
  readonly details: readonly SpanDetail[];

  /** Why the span failed; empty if it did not, or if the error came from below and is explained there. */
  readonly errorMessage: string;
}

/** How the rows are drawn. */
export interface TimelineRowsOptions {
  readonly signs: DrawingSigns;
  readonly ascii: boolean;

  /** Spans on deeper levels are not indented further: the level stands before their name. */
  readonly maxLevels: number;
}

/** The rows of trees, from top to bottom. */
export function timelineRows(
  roots: readonly SpanNode[],
  { signs, ascii, maxLevels }: TimelineRowsOptions,
): TimelineRow[] {
  const errorMessages = findErrorMessages(roots);
  const rows: TimelineRow[] = [];
  const waiting = roots.toReversed().map((node) => ({ node, level: 0, branches: "", rails: "" }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, level, branches, rails } = next;
    rows.push({
      span: node.span,
      branches,
      branchesBelow:
        rails + (node.children.length > 0 && level < maxLevels ? signs.rail : signs.noRail),
      name: harmlessText(node.span.name, { ascii }) || "(no name)",
      details: spanDetails(node.span, signs)
        .map((detail) => ({ ...detail, text: harmlessText(detail.text, { ascii }) }))
        .filter(({ text }) => text !== ""),
      errorMessage: harmlessText(errorMessages.get(node) ?? "", { ascii }),
    });
    for (const [index, child] of node.children.toReversed().entries()) {
      const isLast = index === 0;
      const isTooDeep = level >= maxLevels;
      waiting.push({
        node: child,
        level: level + 1,
        branches: isTooDeep
          ? `${rails}${signs.deeper}${level + 1} `
          : rails + (isLast ? signs.lastBranch : signs.branch),
        rails: isTooDeep ? rails : rails + (isLast ? signs.noRail : signs.rail),
      });
    }
  }
  return rows;
}

/** The messages of failed spans, without those that only repeat what a failed span below says. */
function findErrorMessages(roots: readonly SpanNode[]): Map<SpanNode, string> {
  const shown = new Map<SpanNode, string>();
  const escaping = new Map<SpanNode, string>();
  for (const node of [...nodesOf(roots)].toReversed()) {
    if (node.span.status.code !== "error") continue;
    const fromBelow = node.children.map((child) => escaping.get(child) ?? "");
    const own = node.span.status.message ?? "";
    if (own !== "" && !fromBelow.includes(own)) shown.set(node, own);
    escaping.set(node, own || (fromBelow.find((message) => message !== "") ?? ""));
  }
  return shown;
}
