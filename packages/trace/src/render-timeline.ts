import { durationText } from "./duration-text.ts";
import { spanDetails, spanError } from "./span-details.ts";
import type { Span } from "./span.ts";
import { cutText, fitText, safeText, textWidth } from "./text-width.ts";
import { timeBar } from "./time-bar.ts";
import type { SpanNode, Trace } from "./trace.ts";

/** How a timeline is drawn. */
export interface RenderTimelineOptions {
  /**
   * The width in columns, at least 40. No line is wider.
   *
   * @default 100
   */
  readonly width?: number;

  /**
   * Whether ANSI colours are used.
   *
   * @default false
   */
  readonly color?: boolean;

  /**
   * Whether only ASCII characters are used for the drawing. The spans' own texts stay as they are.
   *
   * @default false
   */
  readonly ascii?: boolean;
}

type Color = "agent" | "bold" | "dim" | "error" | "http" | "model" | "tool";

const COLORS: Readonly<Record<Color, string>> = {
  agent: "35",
  bold: "1",
  dim: "2",
  error: "31",
  http: "34",
  model: "36",
  tool: "33",
};
const MIN_WIDTH = 40;
const DURATION_WIDTH = 10;
const GAP = 2;
/** Below this width a span's details stand on a line of their own. */
const WIDE_ENOUGH_FOR_DETAILS = 72;
/** A tree that is deeper than this is not indented any further. */
const MAX_GUIDES_LENGTH = 90;

/**
 * Draws a trace as a tree with bars to scale, for a terminal: a line a span, with its duration, its tokens, its status.
 * What comes from spans cannot command the terminal: control characters are replaced.
 *
 * @throws RangeError if `width` is not a whole number of at least 40.
 */
export function renderTimeline(trace: Trace, options: RenderTimelineOptions = {}): string {
  const { width = 100, color = false, ascii = false } = options;
  if (!Number.isInteger(width) || width < MIN_WIDTH) {
    throw new RangeError(
      `renderTimeline: \`width\` must be a whole number of at least ${MIN_WIDTH}, got ${width}`,
    );
  }
  const paint = (text: string, style: Color | undefined): string =>
    color && style !== undefined && text !== "" ? `\u001b[${COLORS[style]}m${text}\u001b[0m` : text;
  const signs = ascii ? ASCII_SIGNS : UNICODE_SIGNS;

  const rows = treeRows(trace.roots, signs);
  const columns = layout(rows, width, ascii);
  const lines = [
    paint(cutText(headline(trace, signs, ascii), width, signs.ellipsis), "bold"),
    paint(cutText(`trace ${safeText(trace.traceId)}`, width, signs.ellipsis), "dim"),
    "",
  ];
  for (const row of rows) {
    const { span } = row;
    const guides = fitGuides(row.guides, columns.label, signs);
    const name = fitText(row.name, columns.label - textWidth(guides), signs.ellipsis);
    const bar = timeBar(stretch(span, trace), columns.bar, { ascii });
    const duration = durationText((span.endNs ?? trace.endNs) - span.startNs, { ascii });
    const failed = span.status.code === "error";
    const style = spanColor(span);
    const details = cutText(detailsText(span, signs), columns.details || width - 4, signs.ellipsis);

    const line = [
      paint(guides, "dim") + paint(name, style),
      paint(bar, failed ? "error" : style),
      duration.padStart(DURATION_WIDTH),
    ].join(" ".repeat(GAP));
    const below = `    ${paint(details, failed ? "error" : "dim")}`;
    lines.push(
      columns.details > 0 && details !== ""
        ? `${line}${" ".repeat(GAP)}${paint(details, failed ? "error" : "dim")}`
        : line,
    );
    if (columns.details === 0 && details !== "") lines.push(below);

    const message = errorMessage(row);
    if (message !== "") {
      const indent = fitGuides(row.guidesBelow, columns.label, signs);
      const text = cutText(`${signs.arrow} ${message}`, width - textWidth(indent), signs.ellipsis);
      lines.push(paint(indent, "dim") + paint(text, "error"));
    }
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

interface Signs {
  readonly branch: string;
  readonly lastBranch: string;
  readonly guide: string;
  readonly ellipsis: string;
  readonly arrow: string;
  readonly cross: string;
  readonly dot: string;
}

const UNICODE_SIGNS: Signs = {
  branch: "├─ ",
  lastBranch: "└─ ",
  guide: "│  ",
  ellipsis: "…",
  arrow: "→",
  cross: "✗",
  dot: "·",
};
const ASCII_SIGNS: Signs = {
  branch: "|- ",
  lastBranch: "`- ",
  guide: "|  ",
  ellipsis: "~",
  arrow: "->",
  cross: "x",
  dot: "-",
};

/** A span's line, before it is fitted into columns. */
interface Row {
  readonly span: Span;
  readonly node: SpanNode;
  readonly name: string;
  readonly guides: string;
  readonly guidesBelow: string;
}

function treeRows(roots: readonly SpanNode[], signs: Signs): Row[] {
  const rows: Row[] = [];
  const waiting = roots.toReversed().map((node) => ({ node, guides: "", inherited: "" }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, guides, inherited } = next;
    const guidesBelow = inherited + (node.children.length > 0 ? signs.guide : "   ");
    rows.push({ span: node.span, node, name: safeText(node.span.name), guides, guidesBelow });
    for (const [index, child] of node.children.toReversed().entries()) {
      const isLast = index === 0;
      const deeper = inherited.length < MAX_GUIDES_LENGTH;
      waiting.push({
        node: child,
        guides: inherited + (isLast ? signs.lastBranch : signs.branch),
        inherited: deeper ? inherited + (isLast ? "   " : signs.guide) : inherited,
      });
    }
  }
  return rows;
}

interface Columns {
  readonly label: number;
  readonly bar: number;

  /** 0 if details stand on lines of their own. */
  readonly details: number;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, textWidth(text)), 0);
}

function layout(rows: readonly Row[], width: number, ascii: boolean): Columns {
  const signs = ascii ? ASCII_SIGNS : UNICODE_SIGNS;
  const label = Math.min(
    widest(rows.map(({ guides, name }) => guides + name)),
    Math.floor(width * 0.42),
  );
  const details =
    width < WIDE_ENOUGH_FOR_DETAILS
      ? 0
      : Math.min(
          widest(rows.map(({ span }) => detailsText(span, signs))),
          Math.floor(width * 0.28),
        );
  const gaps = GAP * (details > 0 ? 3 : 2);
  return { label, details, bar: width - label - details - DURATION_WIDTH - gaps };
}

/** The lines of the tree before a name; cut at their beginning where the tree is too deep for the column. */
function fitGuides(guides: string, labelWidth: number, signs: Signs): string {
  const room = Math.max(3, labelWidth - 12);
  return guides.length <= room ? guides : signs.ellipsis + guides.slice(guides.length - room + 1);
}

function headline(trace: Trace, signs: Signs, ascii: boolean): string {
  const { identity, usage, spans, errorCount } = trace;
  const [root] = trace.roots;
  const tokens = usage.inputTokens + usage.outputTokens;
  return [
    root?.span.name ?? "",
    trace.serviceNames.join(", "),
    durationText(trace.durationNs, { ascii }),
    `${spans.length} ${spans.length === 1 ? "span" : "spans"}`,
    identity.userId === undefined ? "" : `user ${identity.userId}`,
    identity.sessionId === undefined ? "" : `session ${identity.sessionId}`,
    tokens === 0 ? "" : `${usage.inputTokens}${signs.arrow}${usage.outputTokens} tokens`,
    errorCount === 0 ? "" : `${errorCount} ${errorCount === 1 ? "error" : "errors"}`,
    trace.complete ? "" : "incomplete",
  ]
    .filter((part) => part !== "")
    .map(safeText)
    .join(` ${signs.dot} `);
}

function detailsText(span: Span, { arrow, cross }: Signs): string {
  return safeText(spanDetails(span, { arrow, cross }).join("  "));
}

/** The message of an error, on the innermost of the spans that it passed. */
function errorMessage({ span, node }: Row): string {
  const passedThrough = node.children.some(
    (child) =>
      child.span.status.code === "error" && child.span.status.message === span.status.message,
  );
  return passedThrough ? "" : safeText(spanError(span));
}

function stretch(span: Span, trace: Trace): { from: number; to: number } {
  const whole = Number(trace.durationNs) || 1;
  return {
    from: Number(span.startNs - trace.startNs) / whole,
    to: Number((span.endNs ?? trace.endNs) - trace.startNs) / whole,
  };
}

function spanColor({ kind, attributes, status }: Span): Color | undefined {
  if (status.code === "error") return "error";
  switch (attributes["gen_ai.operation.name"]) {
    case undefined:
      return kind === "server" ? "http" : undefined;
    case "invoke_agent":
    case "invoke_workflow":
      return "agent";
    case "execute_tool":
      return "tool";
    default:
      return kind === "client" ? "model" : undefined;
  }
}
