import type { ModelAnswer, ModelTurn, ModelUsage } from "./model-script.ts";

const CHARACTERS_PER_TOKEN = 4;

/**
 * What an answer used: what its script says. Else a token for every four characters begun (UTF-16 units), of all
 * messages' texts together as the input, and of the answer's text, tool names and arguments in JSON together as the
 * output; nothing of it cached or reasoning.
 */
export function usageOf(answer: ModelAnswer, turn: ModelTurn): ModelUsage {
  if (answer.usage !== undefined) return answer.usage;
  const calls = answer.type === "tool-calls" ? answer.calls : [];
  const output = calls.map((call) => call.name + JSON.stringify(call.arguments));
  return {
    inputTokens: tokens(turn.messages.map(({ text }) => text)),
    outputTokens: tokens([answer.text ?? "", ...output]),
  };
}

function tokens(texts: readonly string[]): number {
  return Math.ceil(texts.join("").length / CHARACTERS_PER_TOKEN);
}
