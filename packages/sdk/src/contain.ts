import { attempt, reportFailure } from "@waybill/core";

/**
 * Runs code that is not ours. What it throws, or what a promise that it returns rejects with, goes to `diag`.
 *
 * @param cause What could not be done, as a fixed phrase.
 * @returns If it returned a promise, one that is fulfilled when that is over and never rejects.
 */
export function contain(cause: string, run: () => unknown): Promise<void> | undefined {
  const result = attempt(cause, run);
  const mayBePromise = typeof result === "object" || typeof result === "function";
  if (!mayBePromise || result === null) return undefined;
  return reportRejection(cause, result);
}

async function reportRejection(cause: string, result: unknown): Promise<void> {
  try {
    await result;
  } catch (error) {
    reportFailure(cause, error);
  }
}
