const LEAST = -(2n ** 63n);
const LIMIT = 2n ** 63n;

/** Whether a number is a whole one that 64 bits hold, with its sign. */
export function isInt64(value: number | bigint): boolean {
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  return isWhole && value >= LEAST && value < LIMIT;
}
