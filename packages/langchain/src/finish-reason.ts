import { members, stringMember } from "./members.ts";
import type { Members } from "./members.ts";

/** The providers' words, in lower case, for what the conventions have a word for. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["complete", "stop"],
  ["completed", "stop"],
  ["max_tokens", "length"],
  ["max_output_tokens", "length"],
  ["model_length", "length"],
  ["tool_calls", "tool_call"],
  ["tool_use", "tool_call"],
  ["function_call", "tool_call"],
  ["safety", "content_filter"],
  ["refusal", "content_filter"],
]);

/** Why a model stopped, in the words of the conventions where they have one, else in the provider's. */
export function finishReason(generation: Members): string | undefined {
  const { generationInfo, message } = generation;
  const metadata = members(members(message)["response_metadata"]);
  const reason = reasonIn(metadata) ?? reasonIn(members(generationInfo)) ?? statusReason(metadata);
  if (reason === undefined) return undefined;
  const word = reason.toLowerCase();
  const known = WELL_KNOWN.get(word) ?? word;
  const { tool_calls: toolCalls } = members(message);
  // OpenAI's responses API says of an answer with tool calls, too, that it is completed.
  const callsTools = word === "completed" && Array.isArray(toolCalls) && toolCalls.length > 0;
  return callsTools ? "tool_call" : known;
}

function reasonIn(source: Members): string | undefined {
  return stringMember(source, "finish_reason", "stop_reason", "finishReason", "stopReason");
}

function statusReason(metadata: Members): string | undefined {
  return (
    stringMember(members(metadata["incomplete_details"]), "reason") ??
    stringMember(metadata, "status")
  );
}
