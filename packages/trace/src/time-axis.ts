import type { DrawingSigns } from "./drawing-signs.ts";
import { formatMoment } from "./format-duration.ts";

/** A round moment of the time axis. */
export interface Tick {
  readonly column: number;

  /** Nanoseconds since the axis begins. */
  readonly sinceStartNs: number;
}

/** What an axis is drawn on. */
export interface TimeAxisOptions {
  readonly columns: number;
  readonly signs: DrawingSigns;
}

const LEAST_COLUMNS_PER_TICK = 12;

/** The beginning of an axis of `columns` columns, and as many round moments as there is room for. */
export function timeTicks(durationNs: number, columns: number): Tick[] {
  const most = Math.floor(columns / LEAST_COLUMNS_PER_TICK);
  const least = leastStep(durationNs);
  const step = STEPS.find((ns) => ns >= least && durationNs / ns < most + 1);
  if (step === undefined || durationNs <= 0) return [{ column: 0, sinceStartNs: 0 }];
  return Array.from({ length: Math.floor(durationNs / step) + 1 }, (_, index) => {
    const sinceStartNs = index * step;
    const column = Math.floor((sinceStartNs / durationNs) * columns);
    return { column: Math.min(column, columns - 1), sinceStartNs };
  });
}

/** The ticks as a line of labels, each beginning at its tick, without those that would not fit. */
export function axisLabels(ticks: readonly Tick[], { columns, signs }: TimeAxisOptions): string {
  let labels = "";
  for (const { column, sinceStartNs } of ticks) {
    const label = formatMoment(sinceStartNs, signs);
    const isFree = labels === "" || labels.length < column;
    if (isFree && column + label.length <= columns) labels = labels.padEnd(column) + label;
  }
  return labels;
}

/** The ticks as a line that is empty but for a mark at each, except at the beginning. */
export function gridLines(ticks: readonly Tick[], { columns, signs }: TimeAxisOptions): string {
  const ticked = new Set(ticks.map(({ column }) => column));
  return Array.from({ length: columns }, (_, column) =>
    column > 0 && ticked.has(column) ? signs.gridLine : " ",
  ).join("");
}

/** Steps that read well, in nanoseconds: decimal up to 10 s, then 30 s, and whole minutes and hours. */
const STEPS: readonly number[] = [
  ...oneTwoFive(1, 10),
  10e9,
  30e9,
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * 60e9),
  ...oneTwoFive(3600e9, 10),
];

/** From a minute or an hour on, labels are in that unit: smaller steps than its half would read badly in it. */
function leastStep(durationNs: number): number {
  if (durationNs >= 3600e9) return 1800e9;
  return durationNs >= 60e9 ? 30e9 : 0;
}

/** 1, 2 and 5 times each of so many powers of ten. */
function oneTwoFive(unit: number, powers: number): number[] {
  return Array.from({ length: powers }, (_, power) =>
    [1, 2, 5].map((digit) => digit * 10 ** power * unit),
  ).flat();
}
