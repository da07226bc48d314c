const SUFFIXES = ["", "k", "M", "G", "T"] as const;

/** A count in three digits: `999`, `1.23k`, `45.6k`, `7.89M`. */
export function formatCount(count: number): string {
  if (count < 1000) return String(Math.round(count));
  let value = count;
  let step = 0;
  while (value >= 999.5 && step < SUFFIXES.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${value < 999.5 ? value.toPrecision(3) : value.toFixed(0)}${SUFFIXES[step]}`;
}
