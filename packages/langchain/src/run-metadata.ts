import { attempt } from "@waybill/core";

/** What is read of the metadata that LangChain gives to a run. A run inherits its parent's, unless it has its own. */
export interface RunMetadata {
  /** Which of LangChain's packages made the run. */
  readonly integration: string | undefined;

  /** The name given to `createAgent`. */
  readonly agentName: string | undefined;

  /** The graph's node that the run is, or is inside of. */
  readonly node: string | undefined;
  readonly step: number | undefined;

  /** The conversation, by the `thread_id` of the run's configuration: a string, a number or an object such as a UUID. */
  readonly threadId: string | undefined;
}

/** Reads a run's metadata. */
export function readMetadata(metadata: Readonly<Record<string, unknown>> = {}): RunMetadata {
  const { thread_id: threadId, langgraph_step: step } = metadata;
  return {
    integration: text(metadata["ls_integration"]),
    agentName: text(metadata["lc_agent_name"]),
    node: text(metadata["langgraph_node"]),
    step: typeof step === "number" ? step : undefined,
    threadId: idText(threadId),
  };
}

/** An id as text. An object that has no text of its own is none. */
function idText(id: unknown): string | undefined {
  if (id === undefined || id === null) return undefined;
  // oxlint-disable-next-line typescript/no-base-to-string -- an id may be an object, such as a UUID
  const idAsText = attempt("the `thread_id` of a LangChain run has no text", () => String(id));
  return idAsText?.startsWith("[object ") === true ? undefined : text(idAsText);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
