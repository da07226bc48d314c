import { context as contextApi, trace } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { contextRun } from "./run-record.ts";
import type { RunFacts, RunRecord } from "./run-record.ts";
import { endedRun, openRun } from "./run-registry.ts";

/** Where a run starts. */
export interface RunPlace {
  readonly context: Context;

  /** The run above, if it is known. */
  readonly parent: RunFacts | undefined;

  /** The run above, if it is still open. */
  readonly openParent: RunRecord | undefined;
}

/**
 * Where a run starts that LangChain places below `parentRunId`: in the active context, if that is inside the parent (so
 * that spans made by hand between two runs keep their place), else in the parent's own. A run whose parent is not known
 * starts in the active context.
 */
export function placeOfRun(parentRunId: string | undefined): RunPlace {
  const active = contextApi.active();
  if (parentRunId === undefined)
    return { context: active, parent: undefined, openParent: undefined };

  const open = openRun(parentRunId);
  const inner = contextRun(active);
  if (inner?.runId === parentRunId) return { context: active, parent: inner, openParent: open };
  if (open !== undefined) return { context: open.context, parent: open, openParent: open };

  const ended = endedRun(parentRunId);
  const { spanContext } = ended ?? {};
  return {
    context: spanContext === undefined ? active : trace.setSpanContext(active, spanContext),
    parent: ended,
    openParent: undefined,
  };
}
