import type { StartingRun } from "./run-lifetime.ts";
import type { GraphRun } from "./run-record.ts";

/** A graph, with the name that its author gave to it. */
export interface NamedGraph extends GraphRun {
  readonly name: string | undefined;
}

/** What marks the graphs that `createAgent`, and `createDeepAgent` on top of it, compile. */
const AGENT_INTEGRATIONS: ReadonlySet<string> = new Set(["langchain_create_agent", "deepagents"]);

/** What a graph is called if nobody named it: its class. */
const GENERIC_NAMES: ReadonlySet<string> = new Set([
  "LangGraph",
  "CompiledGraph",
  "CompiledStateGraph",
  "Pregel",
  "RemoteGraph",
]);

/** Whether a run is one of LangGraph's graphs, compiled from a `StateGraph`, an `entrypoint` or an agent. */
export function isCompiledGraph({ classPath }: Pick<StartingRun, "classPath">): boolean {
  return classPath[0] === "langgraph" && classPath[1] === "pregel";
}

/**
 * Which graph a run is. `createAgent` tells by the run's metadata; but what runs inside an agent inherits them, so they
 * count only if they are the run's own, or if the graph bears the agent's name.
 */
export function graphOf(run: StartingRun, inputs: unknown): NamedGraph {
  const { integration, agentName } = run.facts.metadata;
  const above = run.parent?.metadata;
  const name = isNamed(run.runName) ? run.runName : undefined;
  const isOwn = integration !== above?.integration || agentName !== above?.agentName;
  const madeByAgent = integration !== undefined && AGENT_INTEGRATIONS.has(integration);

  if (name !== undefined && name === agentName) return graph(true, name);
  if (madeByAgent && isOwn) return graph(true, agentName === above?.agentName ? name : agentName);
  // Without a name, an agent inside an agent's tool differs from any other graph there by its input alone.
  if (madeByAgent && name === undefined && hasMessages(inputs)) return graph(true, undefined);
  return graph(false, name);
}

function graph(isAgent: boolean, name: string | undefined): NamedGraph {
  return { isAgent, name, sawModelRequest: false };
}

function isNamed(name: string | undefined): name is string {
  return name !== undefined && name !== "" && !GENERIC_NAMES.has(name);
}

function hasMessages(inputs: unknown): boolean {
  return typeof inputs === "object" && inputs !== null && "messages" in inputs;
}
