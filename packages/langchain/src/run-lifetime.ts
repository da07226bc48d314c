import { context as contextApi, isSpanContextValid } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { attempt, contextWithIdentity } from "@waybill/core";

import { contextAttach } from "./context-attach.ts";
import { placeOfRun } from "./parent-context.ts";
import { endFailed, tellSignal } from "./run-failure.ts";
import { readMetadata } from "./run-metadata.ts";
import { RunRecord } from "./run-record.ts";
import type { GraphRun, ResultSource, RunFacts, RunOperation } from "./run-record.ts";
import { addRun, openRun, takeRun } from "./run-registry.ts";
import { SelfHealingContext } from "./self-healing-context.ts";

/** What LangChain tells of a run at its start, whatever its kind. */
export interface RunStart {
  readonly runId: string;
  readonly parentRunId: string | undefined;

  /** Where the run's class comes from, with its name last: `["langchain_core", "runnables", "RunnableSequence"]`. */
  readonly classPath: readonly string[];
  readonly runName: string | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A run that starts. */
export interface StartingRun extends RunStart {
  readonly facts: RunFacts;

  /** The run above, if it is known. */
  readonly parent: RunFacts | undefined;

  /** The context that the run's span starts in. */
  readonly context: Context;
}

/** What a run turned out to be. */
export interface OpenedRun {
  /** Its span; a run that is plumbing has none. */
  readonly operation?: RunOperation;

  /** The graph that the run is itself. */
  readonly graph?: GraphRun;

  /** The signal that can abort it. */
  readonly signal?: AbortSignal | undefined;
}

/** How runs are kept. */
export interface RunLifetimeOptions {
  readonly activate: "auto" | "off";
  readonly maxOpenRuns: number;
}

/**
 * Starts a run, once per id: `open` opens its span. The run's code, which starts a microtask later at the earliest, has
 * the span active. Where no OpenTelemetry SDK is registered, nothing is kept.
 */
export function startRun(
  start: RunStart,
  { activate, maxOpenRuns }: RunLifetimeOptions,
  open: (run: StartingRun) => OpenedRun,
): void {
  if (openRun(start.runId) !== undefined) return;
  const { context: outer, parent, openParent } = placeOfRun(start.parentRunId);
  const metadata = readMetadata(start.metadata);
  const { threadId: conversationId } = metadata;
  const context =
    conversationId === undefined || conversationId === openParent?.metadata.threadId
      ? outer
      : contextWithIdentity(outer, { conversationId });

  const facts = { metadata, graph: parent?.graph };
  const { operation, graph, signal } = open({ ...start, facts, parent, context });
  if (operation !== undefined && !isSpanContextValid(operation.span.span.spanContext())) {
    operation.span.end();
    return;
  }

  const run = new RunRecord(
    start.runId,
    { metadata, graph: graph ?? facts.graph },
    {
      isGraph: graph !== undefined,
      parent: openParent,
      operation,
      context: operation?.span.context ?? context,
    },
  );
  if (signal !== undefined) tellSignal(run, signal);
  addRun(run, maxOpenRuns);
  // Whoever ends the span, also the end of its request: the run is then over for us.
  operation?.span.keepOpen().onEnded(() => takeRun(start.runId));
  if (activate === "auto") contextAttach()?.(new SelfHealingContext(run, contextApi.active()));
}

/** Ends a run as a success. */
export function endRun(runId: string, result: unknown, source: ResultSource): void {
  const { operation } = takeRun(runId) ?? {};
  if (operation === undefined) return;
  attempt("the result of a LangChain run could not be recorded", () =>
    operation.recordResult?.(result, source),
  );
  operation.span.end();
}

/** Ends a run because of an error. */
export function failRun(runId: string, error: unknown): void {
  const run = takeRun(runId);
  if (run === undefined) return;
  attempt("the error of a LangChain run could not be read", () => {
    run.operation?.recordFailure?.();
    endFailed(run, error);
  });
  // Of an error that could not be read nobody knows whether it is an abort. The span ends all the same.
  run.operation?.span.fail(error);
}
