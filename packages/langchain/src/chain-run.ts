import { AgentRunSpan, SpanHandle } from "@waybill/core";
import type { CaptureContent } from "@waybill/core";

import { graphOf, isCompiledGraph } from "./compiled-graph.ts";
import type { OpenedRun, StartingRun } from "./run-lifetime.ts";
import type { RunFacts } from "./run-record.ts";
import { isPlumbing } from "./run-visibility.ts";
import {
  GEN_AI_OPERATION_NAME,
  GEN_AI_WORKFLOW_NAME,
  WAYBILL_LANGGRAPH_NODE,
  WAYBILL_LANGGRAPH_STEP,
} from "./semconv.ts";

/** How chains are shown. */
export interface ChainRunOptions {
  readonly spans: "default" | "all";
  readonly captureContent: CaptureContent | undefined;
}

/**
 * Opens the span of a chain: of an agent, of another graph, of a graph's node or of anything else that is made of
 * runnables. Plumbing gets none, unless all spans are asked for.
 */
export function openChain(
  run: StartingRun,
  inputs: unknown,
  { spans, captureContent }: ChainRunOptions,
): OpenedRun {
  const { context: parent } = run;
  if (isCompiledGraph(run)) {
    const { name, ...graph } = graphOf(run, inputs);
    const span = graph.isAgent
      ? new AgentRunSpan({ parent, captureContent, ...(name !== undefined && { agent: { name } }) })
      : new SpanHandle({
          name: name === undefined ? "invoke_workflow" : `invoke_workflow ${name}`,
          parent,
          captureContent,
          attributes: {
            [GEN_AI_OPERATION_NAME]: "invoke_workflow",
            ...(name !== undefined && { [GEN_AI_WORKFLOW_NAME]: name }),
          },
        });
    return { operation: { span }, graph };
  }
  if (spans === "default" && isPlumbing(run)) return {};
  const name = chainName(run);
  return {
    operation: {
      span: new SpanHandle({
        name,
        parent,
        captureContent,
        attributes: nodeAttributes(name, run.facts),
      }),
    },
  };
}

function chainName({ runName, classPath }: StartingRun): string {
  return runName ?? classPath.at(-1) ?? "chain";
}

function nodeAttributes(name: string, { metadata: { node, step } }: RunFacts) {
  if (node !== name) return {};
  return {
    [WAYBILL_LANGGRAPH_NODE]: node,
    ...(step !== undefined && { [WAYBILL_LANGGRAPH_STEP]: step }),
  };
}
