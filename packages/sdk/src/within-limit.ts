import { reportFailure } from "@waybill/core";

import { contain } from "./contain.ts";

/**
 * Waits until `run` is over, but for `limitMs` milliseconds at most. That it failed or took too long goes to `diag`.
 * Never rejects.
 *
 * @param cause What could not be done, as a fixed phrase.
 */
export async function withinLimit(
  cause: string,
  limitMs: number,
  run: () => Promise<void>,
): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    reportFailure(`${cause} within ${limitMs} ms`);
    resolve();
  }, limitMs);
  await Promise.race([contain(cause, run), limit]);
  clearTimeout(timer);
}
