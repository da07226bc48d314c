import { drawRow } from "./draw-row.ts";
import { ASCII_SIGNS, narrowTree, UNICODE_SIGNS } from "./drawing-signs.ts";
import { formatDuration } from "./format-duration.ts";
import { paintAnsi, paintPlain } from "./paint.ts";
import { axisLabels, gridLines, timeTicks } from "./time-axis.ts";
import { isNarrow, timelineColumns } from "./timeline-columns.ts";
import { timelineHeader } from "./timeline-header.ts";
import { timelineRows } from "./timeline-rows.ts";
import type { Trace } from "./trace.ts";

/** How a timeline is drawn. */
export interface RenderTimelineOptions {
  /**
   * How wide the picture may be, in terminal columns. Less than 40 counts as 40.
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
   * Whether the drawing uses ASCII characters only. The spans' own texts stay as they are.
   *
   * @default false
   */
  readonly ascii?: boolean;
}

/**
 * A trace as a picture for the terminal: a header, then a line for each span with its place in the tree, a bar on a time
 * axis that all share, how long it took, and what is worth knowing of it (error, outcome, status code, tokens). Where an
 * error came from, its message stands below. In a narrow picture the details stand on a line of their own.
 *
 * No line is wider than `width`, and none ends with a space; the last one has no line break. Texts from spans cannot
 * control the terminal. The bar of a span that still runs fades out where the trace's known time ends.
 *
 * @throws TypeError if `width` is not a whole number of at least 1.
 */
export function renderTimeline(trace: Trace, options: RenderTimelineOptions = {}): string {
  const { width: givenWidth = 100, color = false, ascii = false } = options;
  if (!Number.isSafeInteger(givenWidth) || givenWidth < 1) {
    throw new TypeError(
      `renderTimeline: option \`width\` must be a whole number of at least 1, got ${String(givenWidth)}`,
    );
  }
  const width = Math.max(givenWidth, 40);
  const wideSigns = ascii ? ASCII_SIGNS : UNICODE_SIGNS;
  const signs = isNarrow(width) ? narrowTree(wideSigns) : wideSigns;
  const paint = color ? paintAnsi : paintPlain;

  // The branches get a quarter of the width at most, or no room would be left for names.
  const maxLevels = Math.floor(width / 4 / signs.branch.length);
  const rows = timelineRows(trace.roots, { signs, ascii, maxLevels });
  const durations = rows.map(({ span: { startNs, endNs = trace.endNs } }) =>
    formatDuration(Number(endNs - startNs), signs),
  );
  const columns = timelineColumns(rows, durations, width);
  const ticks = timeTicks(Number(trace.durationNs), columns.bar);
  const axisColumn = columns.name + columns.gap;
  const labels = axisLabels(ticks, { columns: width - axisColumn, signs });
  const grid = gridLines(ticks, { columns: columns.bar, signs });
  const canvas = { trace, width, ascii, signs, paint, columns, grid };

  return [
    ...timelineHeader(trace, { width, ascii, signs, paint }),
    "",
    ...(ticks.length > 1 ? [" ".repeat(axisColumn) + paint(labels, "faint")] : []),
    ...rows.flatMap((row, index) => drawRow(row, durations[index] ?? "", canvas)),
  ].join("\n");
}
