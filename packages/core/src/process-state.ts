import type { WaybillSettings } from "./settings.ts";

/** What belongs to the process and not to one copy of this package. */
export interface ProcessState {
  settings: WaybillSettings;

  /** Failures of ours that `diag` has heard of, by cause. */
  readonly reportedFailures: Map<string, ReportedFailure>;
}

/** How often a failure happened, and when `diag` last heard of it. */
interface ReportedFailure {
  lastReportedMs: number;
  unreported: number;
}

const PROCESS_STATE = Symbol.for("waybill.core.1");

/**
 * The one state of this process.
 *
 * Bundlers and nested installs make copies of this package; through a versioned global symbol they all share it.
 */
export function processState(): ProcessState {
  const holder = globalThis as { [PROCESS_STATE]?: ProcessState };
  return (holder[PROCESS_STATE] ??= { settings: {}, reportedFailures: new Map() });
}
