import type { Span } from "@opentelemetry/api";

import { processState } from "./process-state.ts";
import { attempt } from "./report-failure.ts";
import { WAYBILL_OUTCOME } from "./semconv.ts";
import type { TraceClock } from "./trace-clock.ts";

/**
 * How an operation ended, other than by success or by failure.
 *
 * - `aborted`: by its own abort signal
 * - `cancelled`: its reader went away (`break`, `cancel()`, the client's disconnect)
 * - `abandoned`: nobody ever read it to its end or ended it
 */
export type Outcome = "aborted" | "cancelled" | "abandoned";

/** All it takes to end an operation. It does not refer to the operation's handle, which may be collected as garbage. */
export interface OpenOperation {
  readonly span: Span;
  readonly clock: TraceClock;

  /** How many operations are around it: inner ones are ended first. */
  readonly depth: number;
  ended: boolean;

  /** Hear of the end, once. They do not refer to the handle either. */
  readonly listeners: ((end: OperationEnd) => void)[];
}

/** How an operation ended: as a success, if neither member is there. */
export interface OperationEnd {
  readonly outcome?: Outcome | undefined;
  readonly failure?: { readonly error: unknown };
}

const WATCH_AFTER_MS = 1000;
const MAX_UNWATCHED = 1000;

/** Ends an operation, once. */
export function endOperation(operation: OpenOperation, end: OperationEnd): void {
  if (operation.ended) return;
  operation.ended = true;
  for (const listener of operation.listeners) {
    attempt("the end of an operation could not be told", () => listener(end));
  }
  const { openOperations } = processState();
  if (openOperations.size > 0) {
    if (openOperations.get(operation) === undefined) collectedHandles.unregister(operation);
    openOperations.delete(operation);
  }
  attempt("a span could not be ended", () => {
    const { outcome } = end;
    if (outcome !== undefined) operation.span.setAttribute(WAYBILL_OUTCOME, outcome);
    operation.span.end(operation.clock.now());
  });
}

/**
 * Sees to it that an operation is ended even if nobody does: as `abandoned`, once its handle has been collected as
 * garbage, or by {@link flushOpen}.
 *
 * To watch a handle is costly, so only those are watched that are still open after a second, or when there are a thousand
 * of them; until then the handle is held.
 */
export function endWithHandle(operation: OpenOperation, handle: object): void {
  const { openOperations } = processState();
  if (operation.ended || openOperations.has(operation)) return;
  openOperations.set(operation, handle);
  unwatched += 1;
  if (unwatched > MAX_UNWATCHED) watchHandles();
  else watchSoon();
}

/**
 * Ends all operations of this process that are still open as `abandoned`: streams that nobody reads, spans that nobody
 * ended, calls whose promise has not settled. For a shutdown: it does not ask which request they belong to.
 *
 * @returns How many were open.
 */
export function flushOpen(): number {
  const open = [...processState().openOperations.keys()].toSorted((a, b) => b.depth - a.depth);
  for (const operation of open) endOperation(operation, { outcome: "abandoned" });
  return open.length;
}

const collectedHandles = new FinalizationRegistry<OpenOperation>((operation) =>
  endOperation(operation, { outcome: "abandoned" }),
);
let unwatched = 0;
let watchTimer: unknown;

function watchSoon(): void {
  if (watchTimer !== undefined) return;
  watchTimer = setTimeout(watchHandles, WATCH_AFTER_MS);
  (watchTimer as { unref?: () => void }).unref?.();
}

function watchHandles(): void {
  clearTimeout(watchTimer as ReturnType<typeof setTimeout>);
  watchTimer = undefined;
  unwatched = 0;
  const { openOperations } = processState();
  for (const [operation, handle] of openOperations) {
    if (handle === undefined) continue;
    collectedHandles.register(handle, operation, operation);
    openOperations.set(operation, undefined);
  }
}
