import type { StartingRun } from "./run-lifetime.ts";

/** A tag by which LangGraph hides its own runs from LangSmith. */
const HIDDEN_TAG = "langsmith:hidden";
const MIDDLEWARE_HOOK = /\.(?:before|after)_(?:model|agent)$/;
/** Where LangChain's own classes say that they come from. */
const OWN_PACKAGES: ReadonlySet<string | undefined> = new Set([
  "langchain_core",
  "langchain",
  "langgraph",
]);

/**
 * Whether a chain is plumbing: it was written by no user, and says nothing that the spans around it do not say. A chain
 * that has no other run above it never is.
 */
export function isPlumbing(run: StartingRun): boolean {
  const { parent, facts, tags, runName } = run;
  if (parent === undefined) return false;
  if (tags.includes(HIDDEN_TAG)) return true;

  const { node } = facts.metadata;
  return node !== undefined && node === runName ? isAgentNode(run, node) : isUnnamed(run);
}

/** Whether a run is of a class of LangChain's, and was given no name of its own. */
function isUnnamed({ runName, classPath }: StartingRun): boolean {
  if (!OWN_PACKAGES.has(classPath[0])) return false;
  const className = classPath.at(-1);
  // A retry is named after what it tries, which has a run of its own for each attempt.
  return className === "RunnableRetry" || (runName ?? className) === className;
}

/** Whether a run is a node of an agent, even of one that does not say so: one whose `.graph` is another graph's node. */
function isAgentNode({ facts: { graph } }: StartingRun, node: string): boolean {
  if (graph === undefined) return false;
  if (graph.isAgent || MIDDLEWARE_HOOK.test(node)) return true;
  if (node === "model_request") graph.sawModelRequest = true;
  // Users call their own nodes `tools`, too.
  return graph.sawModelRequest && (node === "model_request" || node === "tools");
}
