/** A duration in a unit that suits it, with three significant digits: `523 µs`, `12.3 ms`, `1.24 s`, `2 min 05 s`. */
export function durationText(
  nanoseconds: bigint,
  { ascii = false }: { readonly ascii?: boolean } = {},
): string {
  const us = Number(nanoseconds) / 1000;
  if (us < 999.5) return `${threeDigits(us)} ${ascii ? "us" : "µs"}`;
  if (us < 999_500) return `${threeDigits(us / 1000)} ms`;
  if (us < 59_995_000) return `${threeDigits(us / 1_000_000)} s`;
  const seconds = Math.round(us / 1_000_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value === 0 ? "0" : value.toFixed(2);
}
