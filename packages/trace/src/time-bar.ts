/** A stretch of time as shares of a whole: both between 0 and 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const FULL = "█";
const RIGHT_HALF = "▐";

/**
 * A bar to scale, in exactly `width` columns: exact to an eighth of a column at its end and to a half at its beginning,
 * and never so short that it cannot be seen.
 */
export function timeBar(
  { from, to }: Stretch,
  width: number,
  { ascii = false }: { readonly ascii?: boolean } = {},
): string {
  const start = Math.min(from * width, width - 0.125);
  const end = Math.max(to * width, start + 0.125);
  const bar = ascii ? asciiBar(start, end) : blockBar(start, end);
  return bar.padEnd(width).slice(0, width);
}

function blockBar(start: number, end: number): string {
  const first = Math.floor(start);
  const before = " ".repeat(first);
  const startsLate = start - first >= 0.5;
  if (end <= first + 1) {
    return (
      before +
      (startsLate ? RIGHT_HALF : (EIGHTHS[Math.max(1, Math.round((end - first) * 8))] ?? FULL))
    );
  }

  const last = Math.floor(end);
  const head = startsLate ? RIGHT_HALF : FULL;
  return (
    before + head + FULL.repeat(last - first - 1) + (EIGHTHS[Math.floor((end - last) * 8)] ?? "")
  );
}

function asciiBar(start: number, end: number): string {
  const first = Math.floor(start);
  const length = Math.round(end - first);
  return " ".repeat(first) + (length < 1 ? "|" : "#".repeat(length));
}
