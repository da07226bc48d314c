/** How a duration is written. */
export interface FormatDurationOptions {
  /** What stands for a millionth in `µs`. */
  readonly micro: string;
}

/**
 * A duration in nanoseconds in the unit that suits it, with three digits: `523 µs`, `12.3 ms`, `1.00 s`, `2.05 min`.
 * One below zero is written as 0.
 */
export function formatDuration(durationNs: number, options: FormatDurationOptions): string {
  const { value, unit } = inUnit(durationNs, options);
  if (value < 1) return `${Number(value.toFixed(3))} ${unit}`;
  return `${value < 999.5 || value >= 1e6 ? value.toPrecision(3) : value.toFixed(0)} ${unit}`;
}

/** A round moment as a label, like {@link formatDuration} but without zeros that say nothing: `0`, `500 ms`, `1.5 s`. */
export function formatMoment(sinceStartNs: number, options: FormatDurationOptions): string {
  const { value, unit } = inUnit(sinceStartNs, options);
  return value === 0 ? "0" : `${Number(value.toPrecision(3))} ${unit}`;
}

/** In each unit the values below a limit are written: from there on, three digits would show the next unit's first. */
const UNITS = [
  { name: "ms", ns: 1e6, below: 999.5 },
  { name: "s", ns: 1e9, below: 59.95 },
  { name: "min", ns: 60e9, below: 59.95 },
  { name: "h", ns: 3600e9, below: Number.POSITIVE_INFINITY },
] as const;

function inUnit(
  durationNs: number,
  { micro }: FormatDurationOptions,
): { readonly value: number; readonly unit: string } {
  const ns = Math.max(0, durationNs);
  const unit = UNITS.find((candidate) => ns / candidate.ns < candidate.below);
  return unit === undefined || ns < 999_500
    ? { value: ns / 1e3, unit: `${micro}s` }
    : { value: Math.max(1, ns / unit.ns), unit: unit.name };
}
