import { trace } from "@opentelemetry/api";
import { reportFailure } from "@waybill/core";

import type { EndedRun, RunRecord } from "./run-record.ts";

/** The runs of this process, by their ids. */
interface Registry {
  readonly open: Map<string, RunRecord>;
  readonly ended: Map<string, EndedRun>;
}

const REGISTRY = Symbol.for("waybill.langchain.1");
const MAX_ENDED_RUNS = 1000;

/** An open run. */
export function openRun(runId: string): RunRecord | undefined {
  return registry().open.get(runId);
}

/** A run that has ended, if it is among the last thousand that ended or were asked for. */
export function endedRun(runId: string): EndedRun | undefined {
  const { ended } = registry();
  const run = ended.get(runId);
  if (run !== undefined) {
    ended.delete(runId);
    ended.set(runId, run);
  }
  return run;
}

/** Adds an open run. If there are more than `maxOpenRuns` then, the oldest one ends as abandoned. */
export function addRun(run: RunRecord, maxOpenRuns: number): void {
  const { open } = registry();
  open.set(run.runId, run);
  if (run.parent !== undefined) run.parent.openChildren += 1;
  if (open.size <= maxOpenRuns) return;
  const [oldest] = open.values();
  if (oldest === undefined) return;
  reportFailure("more LangChain runs are open than `maxOpenRuns` allows; the oldest was ended");
  takeRun(oldest.runId);
  oldest.operation?.span.end("abandoned");
}

/** Takes a run out of the open ones, because it ended. Its context is no longer in force. */
export function takeRun(runId: string): RunRecord | undefined {
  const { open, ended } = registry();
  const run = open.get(runId);
  if (run === undefined) return undefined;
  run.ended = true;
  open.delete(runId);
  if (run.parent !== undefined) run.parent.openChildren -= 1;

  const { metadata, graph, context } = run;
  ended.set(runId, { metadata, graph, spanContext: trace.getSpanContext(context) });
  if (ended.size > MAX_ENDED_RUNS) {
    const [oldestId] = ended.keys();
    ended.delete(oldestId as string);
  }
  return run;
}

/** Handlers of one process share their runs, also those of another copy of this package: a run has one span. */
function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  return (holder[REGISTRY] ??= { open: new Map(), ended: new Map() });
}
