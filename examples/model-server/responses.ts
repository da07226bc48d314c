import { z } from "zod";

import { pieces, sinceUser, usageOf } from "./model-script.ts";
import type { ModelAnswer, ModelMessage, ModelTurn, ModelUsage } from "./model-script.ts";
import type { Ids, Protocol, ServerSentEvent } from "./protocol.ts";

const CREATED = 1_790_000_000;

const part = z.looseObject({ text: z.string().optional() });
const item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.union([z.string(), z.array(part)]).optional(),
  output: z.union([z.string(), z.array(part)]).optional(),
});
const request = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).nullish(),
  instructions: z.string().nullish(),
  input: z.union([
    z.string().transform((content) => [{ role: "user", content }]),
    z.array(item).min(1),
  ]),
});

/** OpenAI's responses: `POST /v1/responses`. */
export const responses: Protocol = {
  parse(body) {
    const { model, stream, tools, input } = request.parse(body);
    const messages = input.flatMap((entry) => message(entry) ?? []);
    return {
      model,
      stream: stream === true,
      tools: (tools ?? []).flatMap(({ name }) => name ?? []),
      messages,
      ...sinceUser(messages),
    };
  },

  json(answer, turn, ids) {
    return response(answer, turn, ids("resp_"), outputItems(answer, ids), "completed");
  },

  *events(answer, turn, ids) {
    const id = ids("resp_");
    const output = outputItems(answer, ids);
    let sequence = 0;
    const event = (type: string, content: object): ServerSentEvent => ({
      event: type,
      data: JSON.stringify({ type, sequence_number: sequence++, ...content }),
    });

    const begun = response(answer, turn, id, [], "in_progress");
    yield event("response.created", { response: begun });
    yield event("response.in_progress", { response: begun });
    for (const [index, entry] of output.entries()) yield* itemEvents(entry, index, event);
    if (answer.type === "stream-error") {
      yield event("error", { code: "server_error", message: answer.message, param: null });
      return;
    }
    yield event("response.completed", {
      response: response(answer, turn, id, output, "completed"),
    });
  },
};

type OutputItem =
  | {
      readonly type: "message";
      readonly id: string;
      readonly status: "completed";
      readonly role: "assistant";
      readonly content: readonly {
        readonly type: "output_text";
        readonly text: string;
        readonly annotations: [];
      }[];
    }
  | {
      readonly type: "function_call";
      readonly id: string;
      readonly status: "completed";
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    };

function outputItems(answer: ModelAnswer, ids: Ids): readonly OutputItem[] {
  if (answer.type === "tool-calls") {
    return answer.calls.map((call) => ({
      type: "function_call",
      id: ids("fc_"),
      status: "completed",
      call_id: ids("call_"),
      name: call.name,
      arguments: JSON.stringify(call.arguments),
    }));
  }
  const content = [{ type: "output_text" as const, text: answer.text, annotations: [] as [] }];
  return [{ type: "message", id: ids("msg_"), status: "completed", role: "assistant", content }];
}

function* itemEvents(
  entry: OutputItem,
  output_index: number,
  event: (type: string, content: object) => ServerSentEvent,
): Iterable<ServerSentEvent> {
  const at = { item_id: entry.id, output_index };
  if (entry.type === "function_call") {
    const added = { ...entry, status: "in_progress", arguments: "" };
    yield event("response.output_item.added", { output_index, item: added });
    yield event("response.function_call_arguments.delta", { ...at, delta: entry.arguments });
    yield event("response.function_call_arguments.done", { ...at, arguments: entry.arguments });
  } else {
    const [content] = entry.content;
    const inPart = { ...at, content_index: 0 };
    const added = { ...entry, status: "in_progress", content: [] };
    yield event("response.output_item.added", { output_index, item: added });
    yield event("response.content_part.added", { ...inPart, part: { ...content, text: "" } });
    for (const delta of pieces(content?.text ?? "")) {
      yield event("response.output_text.delta", { ...inPart, delta, logprobs: [] });
    }
    yield event("response.output_text.done", { ...inPart, text: content?.text, logprobs: [] });
    yield event("response.content_part.done", { ...inPart, part: content });
  }
  yield event("response.output_item.done", { output_index, item: entry });
}

function response(
  answer: ModelAnswer,
  turn: ModelTurn,
  id: string,
  output: readonly OutputItem[],
  status: "in_progress" | "completed",
): object {
  return {
    id,
    object: "response",
    created_at: CREATED,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    model: turn.model,
    output,
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    usage: status === "completed" ? usage(usageOf(answer, turn)) : null,
    metadata: {},
  };
}

function usage(tokens: ModelUsage): object {
  return {
    input_tokens: tokens.inputTokens,
    input_tokens_details: { cached_tokens: tokens.cachedInputTokens ?? 0 },
    output_tokens: tokens.outputTokens,
    output_tokens_details: { reasoning_tokens: tokens.reasoningTokens ?? 0 },
    total_tokens: tokens.inputTokens + tokens.outputTokens,
  };
}

function message(entry: z.infer<typeof item>): ModelMessage | undefined {
  if (entry.type === "function_call_output") return { role: "tool", text: textOf(entry.output) };
  if (entry.role === "user" || entry.role === "assistant") {
    return { role: entry.role, text: textOf(entry.content) };
  }
  return entry.role === undefined ? undefined : { role: "system", text: textOf(entry.content) };
}

function textOf(content: z.infer<typeof item>["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text = "" }) => text).join("");
}
