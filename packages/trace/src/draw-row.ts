import { drawAsciiBar, drawBar, fadeBar } from "./draw-bar.ts";
import type { DrawingSigns } from "./drawing-signs.ts";
import type { Paint, Style } from "./paint.ts";
import { spanCategory } from "./span-category.ts";
import type { SpanDetail } from "./span-details.ts";
import type { Span } from "./span.ts";
import { cutText, fitText, textWidth } from "./text-width.ts";
import type { TimelineColumns } from "./timeline-columns.ts";
import type { TimelineRow } from "./timeline-rows.ts";
import type { Trace } from "./trace.ts";

/** What a row is drawn on. */
export interface TimelineCanvas {
  readonly trace: Trace;
  readonly width: number;
  readonly ascii: boolean;
  readonly signs: DrawingSigns;
  readonly paint: Paint;
  readonly columns: TimelineColumns;

  /** What a bar's column shows where there is no bar. */
  readonly grid: string;
}

/** The lines of a span: its own, and below it the details that found no room there, and why the span failed. */
export function drawRow(row: TimelineRow, duration: string, canvas: TimelineCanvas): string[] {
  const { width, signs, paint, columns } = canvas;
  const { span, details, errorMessage, branchesBelow } = row;
  const branches = row.branches.slice(0, columns.name);
  const name = fitText(row.name, columns.name - branches.length, signs.cut);
  const detailsInLine = columns.details > 0 && details.length > 0;
  const detailsBelow = columns.details === 0 && details.length > 0;
  const roomBelow = width - branchesBelow.length;

  const cells = [
    paint(branches, "faint") + paint(name, categoryStyle(span)),
    drawTrack(span, canvas),
    duration.padStart(columns.duration),
    ...(detailsInLine ? [drawDetails(details, columns.details, canvas)] : []),
  ];
  const below = [
    ...(detailsBelow ? [drawDetails(details, roomBelow, canvas)] : []),
    ...(errorMessage === "" ? [] : [paint(cutText(errorMessage, roomBelow, signs.cut), "error")]),
  ];
  return [
    cells.join(" ".repeat(columns.gap)),
    ...below.map((text) => paint(branchesBelow, "faint") + text),
  ];
}

function drawTrack(span: Span, { trace, ascii, paint, columns, grid }: TimelineCanvas): string {
  const whole = Number(trace.durationNs) || 1;
  const stretch = {
    from: Number(span.startNs - trace.startNs) / whole,
    to: Number((span.endNs ?? trace.endNs) - trace.startNs) / whole,
  };
  const bar = (ascii ? drawAsciiBar : drawBar)(stretch, columns.bar);
  const { column, text } = span.endNs === undefined ? fadeBar(bar, { ascii }) : bar;
  return [
    paint(grid.slice(0, column), "faint"),
    paint(text, span.status.code === "error" ? "error" : categoryStyle(span)),
    paint(grid.slice(column + text.length), "faint"),
  ].join("");
}

/** As many details as there is room for, and a sign if there are more. The first one is cut rather than left out. */
function drawDetails(
  details: readonly SpanDetail[],
  columns: number,
  { signs, paint }: TimelineCanvas,
): string {
  let drawn = "";
  let room = columns;
  for (const { text, style } of details) {
    if (drawn === "") {
      drawn = paint(cutText(text, room, signs.cut), style);
      room -= textWidth(text);
    } else if (textWidth(text) + 2 <= room) {
      drawn += `  ${paint(text, style)}`;
      room -= textWidth(text) + 2;
    } else {
      return room > signs.cut.length ? `${drawn} ${paint(signs.cut, "faint")}` : drawn;
    }
  }
  return drawn;
}

function categoryStyle(span: Span): Style | undefined {
  const category = spanCategory(span);
  return category === "other" ? undefined : category;
}
