import { streamFailure } from "./api-error.ts";
import { parseChatRequest } from "./chat-request.ts";
import type { ChatRequest } from "./chat-request.ts";
import type { ModelAnswer, ModelToolCall, ModelUsage, StreamErrorReply } from "./model-script.ts";
import { CREATED_AT } from "./protocol.ts";
import type { Ids, Protocol, ServerSentEvent } from "./protocol.ts";
import { argumentPieces, textPieces } from "./stream-pieces.ts";
import { usageOf } from "./usage-of.ts";

/**
 * OpenAI's chat completions: `POST /v1/chat/completions`.
 *
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export function chatCompletions(ids: Ids): Protocol {
  return (body) => {
    const request = parseChatRequest(body);
    return {
      turn: request.turn,
      json: (answer) => completion(answer, request, ids),
      events: (reply) => chunks(reply, request, ids),
    };
  };
}

function completion(answer: ModelAnswer, { turn }: ChatRequest, ids: Ids): object {
  const head = { id: ids("chatcmpl-"), object: "chat.completion" };
  const message = {
    role: "assistant",
    content: answer.text ?? null,
    ...(answer.type === "tool-calls" && { tool_calls: toolCalls(answer.calls, ids) }),
    refusal: null,
    annotations: [],
  };
  return {
    ...head,
    created: CREATED_AT,
    model: turn.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
    usage: usage(usageOf(answer, turn)),
    service_tier: "default",
  };
}

function* chunks(
  reply: ModelAnswer | StreamErrorReply,
  { turn, includeUsage }: ChatRequest,
  ids: Ids,
): Iterable<ServerSentEvent> {
  const head = {
    id: ids("chatcmpl-"),
    object: "chat.completion.chunk",
    created: CREATED_AT,
    model: turn.model,
    service_tier: "default",
  };
  const chunk = (choices: readonly object[], total: object | null = null): ServerSentEvent => ({
    data: JSON.stringify({ ...head, choices, ...(includeUsage && { usage: total }) }),
  });
  const delta = (content: object, reason: string | null = null): ServerSentEvent =>
    chunk([{ index: 0, delta: content, logprobs: null, finish_reason: reason }]);
  const piece = (content: object): ServerSentEvent => ({ ...delta(content), isPiece: true });

  yield delta({ role: "assistant", content: reply.text === undefined ? null : "", refusal: null });
  for (const content of textPieces(reply)) yield piece({ content });
  if (reply.type === "stream-error") {
    if (reply.errorEvent ?? true) yield { data: JSON.stringify(streamFailure(reply).body) };
    return;
  }
  if (reply.type === "tool-calls") {
    for (const [index, call] of toolCalls(reply.calls, ids).entries()) {
      const begun = { ...call, function: { ...call.function, arguments: "" } };
      yield delta({ tool_calls: [{ index, ...begun }] });
      for (const part of argumentPieces(call.function.arguments)) {
        yield piece({ tool_calls: [{ index, function: { arguments: part } }] });
      }
    }
  }
  yield delta({}, finishReason(reply));
  if (includeUsage) yield chunk([], usage(usageOf(reply, turn)));
  yield { data: "[DONE]" };
}

function toolCalls(calls: readonly ModelToolCall[], ids: Ids) {
  return calls.map(({ id, name, arguments: input }) => ({
    id: id ?? ids("call_"),
    type: "function",
    function: { name, arguments: JSON.stringify(input) },
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
    prompt_tokens_details: { cached_tokens: tokens.cachedInputTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: tokens.reasoningTokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
