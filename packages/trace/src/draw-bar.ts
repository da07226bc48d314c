/** A stretch of a shared time axis, as shares of it: both between 0 and 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A bar, and where on its line it stands. */
export interface Bar {
  readonly column: number;
  readonly text: string;
}

/** A column filled from the left by 0 to 8 eighths. */
const FROM_LEFT = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"] as const;
const FULL = "█";
const RIGHT_HALF = "▐";
const RIGHT_EIGHTH = "▕";

/**
 * A bar to scale on a line of `columns` columns. Its end is exact to an eighth of a column and its beginning to a half,
 * because there are no characters for more; the shortest bar is a mark that can be seen.
 */
export function drawBar({ from, to }: Stretch, columns: number): Bar {
  const eighths = columns * 8;
  const start = clamp(Math.round(from * eighths), 0, eighths - 1);
  const end = clamp(Math.round(to * eighths), start + 1, eighths);
  const column = Math.floor(start / 8);
  const cells = Array.from({ length: Math.ceil(end / 8) - column }, (_, index) => {
    const cellStart = (column + index) * 8;
    return drawCell(Math.max(0, start - cellStart), Math.min(8, end - cellStart));
  });
  return { column, text: cells.join("") };
}

/** A bar in ASCII, exact to a column. */
export function drawAsciiBar({ from, to }: Stretch, columns: number): Bar {
  const column = clamp(Math.floor(from * columns), 0, columns - 1);
  const end = clamp(Math.round(to * columns), column + 1, columns);
  return { column, text: "=".repeat(end - column) };
}

/** A bar whose end is not known: it fades away. */
export function fadeBar({ column, text }: Bar, { ascii }: { readonly ascii: boolean }): Bar {
  const fade = ascii ? ">" : "▓▒░".slice(-text.length);
  return { column, text: text.slice(0, text.length - fade.length) + fade };
}

function drawCell(start: number, end: number): string {
  const filled = end - start;
  const isLeft = start === 0 || start + end < 8;
  if (isLeft) return FROM_LEFT[filled] ?? "";
  if (filled >= 6) return FULL;
  return filled >= 3 ? RIGHT_HALF : RIGHT_EIGHTH;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
