import { z } from "zod";

import { contentText } from "./content-text.ts";
import type { ModelMessage, ModelTurn } from "./model-script.ts";
import { modelTurn } from "./model-turn.ts";
import { parseBody } from "./parse-body.ts";

/** A request for a chat completion. */
export interface ChatRequest {
  readonly turn: ModelTurn;

  /** Whether a stream ends with a chunk of usage. */
  readonly includeUsage: boolean;
}

/** Reads the body of `POST /v1/chat/completions`. Throws an `ApiError` if it is malformed. */
export function parseChatRequest(body: unknown): ChatRequest {
  const { model, stream, stream_options, tools, messages } = parseBody(request, body);
  return {
    turn: modelTurn({
      model,
      stream: stream === true,
      tools: (tools ?? []).map(({ type, function: tool }) => tool?.name ?? type),
      messages: messages.map(neutralMessage),
    }),
    includeUsage: stream_options?.include_usage === true,
  };
}

const toolCall = z.object({
  id: z.string(),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const message = z.discriminatedUnion("role", [
  z.object({ role: z.enum(["system", "developer"]), content: contentText }),
  z.object({ role: z.literal("user"), content: contentText }),
  z.object({
    role: z.literal("assistant"),
    content: contentText.nullish(),
    tool_calls: z.array(toolCall).nullish(),
  }),
  z.object({ role: z.literal("tool"), content: contentText, tool_call_id: z.string() }),
]);

const request = z.object({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  tools: z
    .array(z.object({ type: z.string(), function: z.object({ name: z.string() }).optional() }))
    .nullish(),
});

function neutralMessage(wire: z.infer<typeof message>): ModelMessage {
  const text = wire.content ?? "";
  if (wire.role === "tool") return { role: "tool", text, toolCallId: wire.tool_call_id };
  if (wire.role === "user") return { role: "user", text };
  if (wire.role !== "assistant") return { role: "system", text };
  const toolCalls = (wire.tool_calls ?? []).map((call) => ({ id: call.id, ...call.function }));
  return { role: "assistant", text, ...(toolCalls.length > 0 && { toolCalls }) };
}
