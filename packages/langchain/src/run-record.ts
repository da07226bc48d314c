import { createContextKey } from "@opentelemetry/api";
import type { Context, SpanContext } from "@opentelemetry/api";
import type { SpanHandle } from "@waybill/core";

import type { RunMetadata } from "./run-metadata.ts";

/** What a run's children need to know of it, also after its end. */
export interface RunFacts {
  readonly metadata: RunMetadata;

  /** The graph that the run is, or else belongs to. */
  readonly graph: GraphRun | undefined;
}

/** A compiled graph at work. */
export interface GraphRun {
  readonly isAgent: boolean;

  /** Whether a node ran in it that only agents have. */
  sawModelRequest: boolean;
}

/** A run's span, and what may be told to it. */
export interface RunOperation {
  readonly span: SpanHandle;

  /** A model's token arrived. */
  readonly recordToken?: () => void;

  /** The run succeeded with this result. */
  readonly recordResult?: (result: unknown, source: ResultSource) => void;

  /** The run failed, or was stopped. */
  readonly recordFailure?: () => void;
}

/** Where a run's result comes from. */
export interface ResultSource {
  /** From a cache of LangChain's: no provider was asked. */
  readonly cached: boolean;
}

/** What remains of a run for children that start after its end. */
export interface EndedRun extends RunFacts {
  readonly spanContext: SpanContext | undefined;
}

const RUN = createContextKey("waybill langchain run");

/**
 * An open run. It holds nothing of what the run was given or gave, and no context but its own: what a run keeps alive
 * must not grow with the work it does.
 */
export class RunRecord implements RunFacts {
  readonly runId: string;
  readonly metadata: RunMetadata;
  readonly graph: GraphRun | undefined;

  /** Whether the run is a graph itself. */
  readonly isGraph: boolean;

  /** The run above, if it was open at this one's start. */
  readonly parent: RunRecord | undefined;

  /** How many runs directly below are open. */
  openChildren = 0;

  /** The run's span. A run that is plumbing has none; its children belong to the nearest span above. */
  readonly operation: RunOperation | undefined;

  /** The context inside the run. */
  readonly context: Context;

  ended = false;

  /** The signal that can abort the run, as far as a model call in it told. */
  signal: AbortSignal | undefined;

  /** The timeout that ended a run directly below. */
  childTimeout: Error | undefined;

  constructor(
    runId: string,
    { metadata, graph }: RunFacts,
    {
      isGraph,
      parent,
      operation,
      context,
    }: Pick<RunRecord, "isGraph" | "parent" | "operation" | "context">,
  ) {
    this.runId = runId;
    this.metadata = metadata;
    this.graph = graph;
    this.isGraph = isGraph;
    this.parent = parent;
    this.operation = operation;
    this.context = context.setValue(RUN, this);
  }
}

/** The innermost run that this context is inside of. */
export function contextRun(context: Context): RunRecord | undefined {
  return context.getValue(RUN) as RunRecord | undefined;
}
