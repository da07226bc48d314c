import { openSpan } from "@waybill/core";

import type { RunRecord } from "./run-record.ts";
import { takeRun } from "./run-registry.ts";
import { WAYBILL_LANGGRAPH_INTERRUPT, WAYBILL_LANGGRAPH_INTERRUPT_ID } from "./semconv.ts";

/** Ends the span of a run that ended with an error; one that LangGraph throws to steer is none. */
export function endFailed(run: RunRecord, error: unknown): void {
  const span = run.operation?.span;
  if (isControlFlow(error)) {
    recordInterrupt(run, error);
    span?.end();
    return;
  }
  const reason = abortReason(run);
  const aborted = isAbort(run, error, reason);
  const failure = aborted ? (run.childTimeout ?? (isTimeout(reason) ? reason : ABORTED)) : error;
  if (isTimeout(failure) && run.parent !== undefined) run.parent.childTimeout = failure;
  span?.fail(failure);
  if (aborted && run.parent !== undefined) endLeftGraph(run.parent);
}

/** Tells a run, and those above it that do not know of any, which signal can abort it. */
export function tellSignal(run: RunRecord, signal: AbortSignal): void {
  let above: RunRecord | undefined = run;
  while (above !== undefined && above.signal === undefined) {
    above.signal = signal;
    above = above.parent;
  }
}

/** What LangGraph throws to stop a node, or to leave a graph: an interrupt, a command for the graph above. */
interface ControlFlow {
  readonly is_bubble_up: true;
  readonly interrupts?: readonly { readonly id?: unknown }[];
}

const ABORTED = new DOMException("The run was aborted", "AbortError");
const ABORT_MESSAGES: ReadonlySet<unknown> = new Set(["Abort", "AbortError", "Aborted"]);
const recordedInterrupts = new WeakSet<object>();

function isControlFlow(error: unknown): error is ControlFlow {
  return isObject(error) && error["is_bubble_up"] === true;
}

/** An interrupt passes through a node and the graphs around it. It is told once, on the innermost span. */
function recordInterrupt(run: RunRecord, error: ControlFlow): void {
  if (!Array.isArray(error.interrupts) || recordedInterrupts.has(error)) return;
  recordedInterrupts.add(error);
  for (const { id } of error.interrupts as NonNullable<ControlFlow["interrupts"]>) {
    openSpan(run.context)?.addEvent(
      WAYBILL_LANGGRAPH_INTERRUPT,
      typeof id === "string" ? { [WAYBILL_LANGGRAPH_INTERRUPT_ID]: id } : {},
    );
  }
}

/**
 * Ends a graph whose last node at work was aborted together with it. LangGraph does not always tell its end: if the
 * reader of its stream has left, nobody asks for it any more.
 */
function endLeftGraph(run: RunRecord): void {
  if (!run.isGraph || run.openChildren > 0 || abortReason(run) === undefined) return;
  if (takeRun(run.runId) !== undefined) endFailed(run, ABORTED);
}

/**
 * Whether a run ended because it was aborted. LangChain and the providers' clients tell of that in many ways, and not
 * why: behind it may be the caller, or a timeout, which is a failure.
 */
function isAbort(run: RunRecord, error: unknown, reason: unknown): boolean {
  if (isTimeout(error)) return false;
  if (reason !== undefined && error === reason) return true;
  if (!isObject(error)) return false;
  const { name, message } = error;
  if (name === "AbortError" || name === "ModelAbortError") return true;
  // LangChain makes an error of a reason that is a string; LangGraph and the providers make one that has nothing of it.
  if (typeof reason === "string" && message === reason) return true;
  const mayBeAborted = reason !== undefined || run.graph !== undefined;
  return mayBeAborted && name === "Error" && ABORT_MESSAGES.has(message);
}

function abortReason(run: RunRecord): unknown {
  let above: RunRecord | undefined = run;
  while (above !== undefined && above.signal === undefined) above = above.parent;
  return above?.signal?.aborted === true ? above.signal.reason : undefined;
}

function isTimeout(error: unknown): error is Error {
  return isObject(error) && error["name"] === "TimeoutError";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
