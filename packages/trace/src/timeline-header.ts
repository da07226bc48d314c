import type { DrawingSigns } from "./drawing-signs.ts";
import { formatDuration } from "./format-duration.ts";
import { harmlessText } from "./harmless-text.ts";
import type { Paint, Style } from "./paint.ts";
import { cutText, textWidth } from "./text-width.ts";
import type { Trace } from "./trace.ts";
import type { UsageTotals } from "./usage-totals.ts";

/** How the header is drawn. */
export interface TimelineHeaderOptions {
  readonly width: number;
  readonly ascii: boolean;
  readonly signs: DrawingSigns;
  readonly paint: Paint;
}

interface Fact {
  readonly text: string;
  readonly style?: Style;
}

/** The lines that say what a trace is, whose it is and how it went, none wider than `width` columns. */
export function timelineHeader(trace: Trace, options: TimelineHeaderOptions): string[] {
  const { identity, spans, errorCount, droppedSpans, complete } = trace;
  const running = spans.filter(({ endNs }) => endNs === undefined).length;
  const what: Fact[] = [
    {
      text: harmlessText(trace.roots[0]?.span.name ?? "", options) || "(no name)",
      style: "strong",
    },
    ...(trace.serviceNames.length > 0 ? [{ text: trace.serviceNames.join(", ") }] : []),
    { text: formatDuration(Number(trace.durationNs), options.signs) },
    { text: counted(spans.length, "span") },
    ...(errorCount > 0 ? [{ text: counted(errorCount, "error"), style: "error" as const }] : []),
    ...(running > 0 ? [{ text: `${running} running` }] : []),
    ...(droppedSpans > 0 ? [{ text: `${grouped(droppedSpans)} dropped` }] : []),
    ...(complete || running > 0 || droppedSpans > 0 ? [] : [{ text: "incomplete" }]),
  ];
  const whose: Fact[] = [
    ...(identity.userId === undefined ? [] : [{ text: `user ${identity.userId}` }]),
    ...(identity.sessionId === undefined ? [] : [{ text: `session ${identity.sessionId}` }]),
    ...usageFacts(trace.usage, options.signs),
  ];
  const id: Fact[] = [{ text: `trace ${trace.traceId}`, style: "faint" }];
  return [what, whose, id].flatMap((facts) => factLines(facts, options));
}

function usageFacts(usage: UsageTotals, { arrow }: DrawingSigns): Fact[] {
  const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens } = usage;
  if (inputTokens + outputTokens === 0) return [];
  return [
    { text: `${grouped(inputTokens)} ${arrow} ${grouped(outputTokens)} tokens` },
    ...(cacheReadTokens > 0 ? [{ text: `${grouped(cacheReadTokens)} cached` }] : []),
    ...(reasoningTokens > 0 ? [{ text: `${grouped(reasoningTokens)} reasoning` }] : []),
  ];
}

/** Facts side by side, on as many lines as they need. */
function factLines(facts: readonly Fact[], options: TimelineHeaderOptions): string[] {
  const { width, ascii, signs, paint } = options;
  const separator = ` ${signs.separator} `;
  const lines: string[] = [];
  let used = 0;
  for (const { text, style } of facts) {
    const cut = cutText(harmlessText(text, { ascii }), width, signs.cut);
    const columns = textWidth(cut);
    const fits = lines.length > 0 && used + separator.length + columns <= width;
    const line = fits ? `${lines.pop()}${paint(separator, "faint")}` : "";
    lines.push(line + paint(cut, style));
    used = fits ? used + separator.length + columns : columns;
  }
  return lines;
}

function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
