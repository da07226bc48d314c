import type { LlmResponse } from "@waybill/core";

import { finishReason } from "./finish-reason.ts";
import { members, stringMember } from "./members.ts";
import type { Members } from "./members.ts";
import { modelUsage } from "./model-usage.ts";

/** What a model answered. */
export interface ModelAnswer extends LlmResponse {
  readonly generations: readonly Generation[];
}

/** One of a model's answers to the same question. */
export interface Generation {
  readonly text: string | undefined;

  /** The answer as a message; a completion model has none. */
  readonly message: Members | undefined;

  /** In the words of the conventions. */
  readonly finishReason: string | undefined;
}

/** Reads the result of a model's run: `{ generations, llmOutput }`. An empty stream ends with one generation of none. */
export function modelAnswer(result: unknown): ModelAnswer {
  const { generations, llmOutput } = members(result);
  const [choices] = Array.isArray(generations) ? (generations as unknown[]) : [];
  const given = (Array.isArray(choices) ? choices : []).filter((choice) => choice !== undefined);
  const output = members(llmOutput);
  const [first] = given;
  const message = members(members(first)["message"]);
  const metadata = members(message["response_metadata"]);
  const reasons = given.flatMap((choice) => finishReason(members(choice)) ?? []);
  return {
    id: responseId(message, metadata),
    model:
      stringMember(metadata, "model_name", "model") ?? stringMember(output, "model_name", "model"),
    finishReasons: reasons.length > 0 ? reasons : undefined,
    usage: modelUsage(given, output),
    generations: given.map(generation),
  };
}

function generation(choice: unknown): Generation {
  const { text, message } = members(choice);
  return {
    text: typeof text === "string" ? text : undefined,
    message: message === undefined ? undefined : members(message),
    finishReason: finishReason(members(choice)),
  };
}

/** The provider's id. Where it gave none, LangChain makes a message's id from that of the run. */
function responseId(message: Members, metadata: Members): string | undefined {
  const messageId = stringMember(message, "id");
  const ownId = messageId?.startsWith("run-") === true ? undefined : messageId;
  return stringMember(metadata, "id") ?? ownId;
}
