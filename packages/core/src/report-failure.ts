import { diag } from "@opentelemetry/api";

import { processState } from "./process-state.ts";

const REPORT_INTERVAL_MS = 60_000;
const MAX_CAUSES = 200;

/**
 * Tells OpenTelemetry's `diag` about a failure of ours: at most once a minute per cause, with the number of
 * repetitions since. Never throws.
 *
 * @param cause What could not be done, as a fixed phrase: it is also the key by which repetitions are counted.
 */
export function reportFailure(cause: string, error?: unknown): void {
  const { reportedFailures } = processState();
  const nowMs = Date.now();
  const known = reportedFailures.get(cause);

  if (known !== undefined && nowMs - known.lastReportedMs < REPORT_INTERVAL_MS) {
    known.unreported += 1;
    return;
  }
  if (known === undefined && reportedFailures.size >= MAX_CAUSES) return;

  reportedFailures.set(cause, { lastReportedMs: nowMs, unreported: 0 });
  const repetitions = known?.unreported ? ` (${known.unreported} more since the last report)` : "";
  const details = error === undefined ? [] : [error];
  try {
    diag.warn(`waybill: ${cause}${repetitions}`, ...details);
  } catch {
    // A logger that throws must not reach the application either.
  }
}

/** Runs `fn`; a failure goes to `diag` under `cause`, and the result is then `undefined`. */
export function attempt<T>(cause: string, fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    reportFailure(cause, error);
    return undefined;
  }
}
