import type { LlmRequest } from "@waybill/core";

import { members, numberMember, stringMember } from "./members.ts";
import type { Members } from "./members.ts";

/** The model that is asked for: as the provider is asked, else as the model object says. */
export function requestModel(
  parameters: Members,
  metadata: Members,
  modelKwargs: unknown,
): string | undefined {
  return (
    stringMember(parameters, "model") ??
    stringMember(metadata, "ls_model_name") ??
    stringMember(members(modelKwargs), "model")
  );
}

/** The parameters of a call, under the names that the providers give them, else under LangChain's. */
export function requestParameters(parameters: Members, metadata: Members): LlmRequest {
  const stop = parameters["stop"] ?? parameters["stop_sequences"] ?? metadata["ls_stop"];
  const { type: format } = members(
    parameters["response_format"] ?? members(parameters["text"])["format"],
  );
  return {
    temperature:
      numberMember(parameters, "temperature") ?? numberMember(metadata, "ls_temperature"),
    topP: numberMember(parameters, "top_p", "topP"),
    topK: numberMember(parameters, "top_k", "topK"),
    maxTokens:
      numberMember(
        parameters,
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "maxOutputTokens",
        "maxTokens",
      ) ?? numberMember(metadata, "ls_max_tokens"),
    frequencyPenalty: numberMember(parameters, "frequency_penalty", "frequencyPenalty"),
    presencePenalty: numberMember(parameters, "presence_penalty", "presencePenalty"),
    stopSequences: stopSequences(stop),
    seed: numberMember(parameters, "seed"),
    outputType: format === "json_object" || format === "json_schema" ? "json" : undefined,
  };
}

function stopSequences(stop: unknown): readonly string[] | undefined {
  const sequences = (Array.isArray(stop) ? stop : [stop]).filter(
    (text) => typeof text === "string",
  );
  return sequences.length === 0 ? undefined : sequences;
}
