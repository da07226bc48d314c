import type { TokenUsage } from "@waybill/core";

import { members, numberMember } from "./members.ts";
import type { Members } from "./members.ts";

/**
 * What a model call used, as totals that include their parts: as the messages say it, else as the provider's client does
 * for the call as a whole. Never estimated.
 */
export function modelUsage(
  generations: readonly unknown[],
  llmOutput: Members,
): TokenUsage | undefined {
  const perMessage = generations
    .map((generation) => members(members(generation)["message"])["usage_metadata"])
    .filter((usage) => typeof usage === "object" && usage !== null)
    .map(members);
  // The choices of one call may all bear the usage of the call, as one and the same object.
  const usages = [...new Set(perMessage)].map(messageUsage);
  return usages.length > 0 ? usages.reduce(sum) : callUsage(llmOutput);
}

/** `usage_metadata`. */
function messageUsage(usage: Members): TokenUsage {
  const input = members(usage["input_token_details"]);
  const output = members(usage["output_token_details"]);
  return {
    inputTokens: numberMember(usage, "input_tokens"),
    outputTokens: numberMember(usage, "output_tokens"),
    cacheReadTokens: numberMember(input, "cache_read"),
    cacheWriteTokens: numberMember(input, "cache_creation"),
    reasoningTokens: numberMember(output, "reasoning"),
  };
}

/** `llmOutput.tokenUsage`, or `llmOutput.usage`, which is the provider's own. */
function callUsage({ tokenUsage, usage }: Members): TokenUsage | undefined {
  const own = members(usage);
  const inputTokens =
    numberMember(members(tokenUsage), "promptTokens") ??
    numberMember(own, "prompt_tokens", "input_tokens");
  const outputTokens =
    numberMember(members(tokenUsage), "completionTokens") ??
    numberMember(own, "completion_tokens", "output_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens };
}

function sum(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    inputTokens: add(one.inputTokens, other.inputTokens),
    outputTokens: add(one.outputTokens, other.outputTokens),
    cacheReadTokens: add(one.cacheReadTokens, other.cacheReadTokens),
    cacheWriteTokens: add(one.cacheWriteTokens, other.cacheWriteTokens),
    reasoningTokens: add(one.reasoningTokens, other.reasoningTokens),
  };
}

function add(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0);
}
