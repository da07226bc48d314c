import { z } from "zod";

import { pieces, sinceUser, usageOf } from "./model-script.ts";
import type { ModelAnswer, ModelToolCall, ModelUsage } from "./model-script.ts";
import type { Ids, Protocol, ServerSentEvent } from "./protocol.ts";

const CREATED = 1_790_000_000;

const text = z
  .union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))])
  .nullish()
  .transform((content) =>
    typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join(""),
  );

const request = z.object({
  model: z.string(),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).default([]),
  messages: z.array(z.object({ role: z.string(), content: text })).min(1),
});

/** OpenAI's chat completions: `POST /v1/chat/completions`. */
export const chatCompletions: Protocol = {
  parse(body) {
    const { model, stream, tools, messages } = request.parse(body);
    const neutral = messages.map(({ role, content }) => ({
      role: neutralRole(role),
      text: content,
    }));
    return {
      model,
      stream,
      tools: tools.map((tool) => tool.function.name),
      messages: neutral,
      ...sinceUser(neutral),
    };
  },

  json(answer, turn, ids) {
    const message =
      answer.type === "tool-calls"
        ? { role: "assistant", content: null, tool_calls: toolCalls(answer.calls, ids) }
        : { role: "assistant", content: answer.text };
    return {
      id: ids("chatcmpl-"),
      object: "chat.completion",
      created: CREATED,
      model: turn.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
      usage: usage(usageOf(answer, turn)),
    };
  },

  *events(answer, turn, ids) {
    const head = {
      id: ids("chatcmpl-"),
      object: "chat.completion.chunk",
      created: CREATED,
      model: turn.model,
    };
    const delta = (content: object, reason: string | null = null): ServerSentEvent => ({
      data: JSON.stringify({
        ...head,
        choices: [{ index: 0, delta: content, finish_reason: reason }],
      }),
    });

    yield delta({ role: "assistant", content: "" });
    if (answer.type === "tool-calls") {
      for (const [index, call] of toolCalls(answer.calls, ids).entries()) {
        const { id, type } = call;
        yield delta({
          tool_calls: [{ index, id, type, function: { name: call.function.name, arguments: "" } }],
        });
        yield delta({ tool_calls: [{ index, function: { arguments: call.function.arguments } }] });
      }
    } else {
      for (const content of pieces(answer.text)) yield delta({ content });
    }
    if (answer.type === "stream-error") {
      yield { data: JSON.stringify({ error: { message: answer.message, type: "server_error" } }) };
      return;
    }
    yield delta({}, finishReason(answer));
    yield { data: JSON.stringify({ ...head, choices: [], usage: usage(usageOf(answer, turn)) }) };
    yield { data: "[DONE]" };
  },
};

function neutralRole(role: string): "system" | "user" | "assistant" | "tool" {
  if (role === "user" || role === "assistant" || role === "tool") return role;
  return "system";
}

function toolCalls(calls: readonly ModelToolCall[], ids: Ids) {
  return calls.map((call) => ({
    id: ids("call_"),
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
}

function finishReason({ type }: ModelAnswer): string {
  return type === "tool-calls" ? "tool_calls" : "stop";
}

function usage(tokens: ModelUsage): object {
  return {
    prompt_tokens: tokens.inputTokens,
    completion_tokens: tokens.outputTokens,
    total_tokens: tokens.inputTokens + tokens.outputTokens,
    prompt_tokens_details: { cached_tokens: tokens.cachedInputTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: tokens.reasoningTokens ?? 0 },
  };
}
