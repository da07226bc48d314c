import type { OpenOperation } from "./open-operation.ts";
import type { WaybillSettings } from "./settings.ts";

/** What belongs to the process and not to one copy of this package. */
export interface ProcessState {
  settings: WaybillSettings;

  /** Failures of ours that `diag` has heard of, by cause. */
  readonly reportedFailures: Map<string, ReportedFailure>;

  /**
   * The operations that are open and may be left open by whoever opened them; each with its handle as long as nobody
   * watches whether the handle is collected as garbage.
   */
  readonly openOperations: Map<OpenOperation, object | undefined>;

  /** How many spans were started since the process began, and how many of them no sampler wanted. */
  readonly startedSpans: { total: number; unsampled: number };
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
  return (holder[PROCESS_STATE] ??= {
    settings: {},
    reportedFailures: new Map(),
    openOperations: new Map(),
    startedSpans: { total: 0, unsampled: 0 },
  });
}
