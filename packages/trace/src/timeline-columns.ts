import { textWidth } from "./text-width.ts";
import type { TimelineRow } from "./timeline-rows.ts";

/** How wide the columns of a timeline are. */
export interface TimelineColumns {
  readonly name: number;
  readonly bar: number;
  readonly duration: number;

  /** 0 if the details stand on lines of their own. */
  readonly details: number;

  /** Between two columns. */
  readonly gap: number;
}

/**
 * Shares `width` out: the bar gets a quarter, names and details what they need of the rest, and the bar what they leave.
 */
export function timelineColumns(
  rows: readonly TimelineRow[],
  durations: readonly string[],
  width: number,
): TimelineColumns {
  const duration = widest(durations, (text) => text.length);
  const wantedName = widest(rows, ({ branches, name }) => branches.length + textWidth(name));
  const wantedDetails = widest(rows, ({ details }) =>
    details.reduce((columns, { text }) => columns + textWidth(text) + 2, -2),
  );

  if (isNarrow(width)) {
    const gap = 1;
    const name = Math.min(wantedName, Math.floor(width * 0.45));
    return { name, bar: width - name - duration - 2 * gap, duration, details: 0, gap };
  }
  const gap = 2;
  const gaps = gap * (wantedDetails > 0 ? 3 : 2);
  const room = width - duration - gaps - Math.floor(width / 4);
  const details = Math.min(
    Math.max(0, wantedDetails),
    Math.max(Math.floor(room * 0.4), room - wantedName),
  );
  const name = Math.min(wantedName, room - details);
  return { name, bar: width - name - duration - details - gaps, duration, details, gap };
}

/** Whether a picture is too narrow for details beside the bars. */
export function isNarrow(width: number): boolean {
  return width < 72;
}

function widest<T>(items: readonly T[], widthOf: (item: T) => number): number {
  return items.reduce((most, item) => Math.max(most, widthOf(item)), 0);
}
