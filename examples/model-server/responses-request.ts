import { z } from "zod";

import { ApiError } from "./api-error.ts";
import { contentText } from "./content-text.ts";
import type { ModelMessage, ModelTurn } from "./model-script.ts";
import { modelTurn } from "./model-turn.ts";
import type { OutputItem } from "./output-item.ts";
import { parseBody } from "./parse-body.ts";

/** A request for a response. */
export interface ResponsesRequest {
  readonly turn: ModelTurn;

  /** The members of the request that its response repeats. */
  readonly repeated: object;

  /** Whether later requests may refer to the response's items by their ids. */
  readonly store: boolean;
}

/** The output item of an earlier response, as its protocol writes it, or `undefined`. */
export type StoredItem = (id: string) => OutputItem | undefined;

/**
 * Reads the body of `POST /v1/responses`, and looks up the items that it only refers to. A message and the calls that
 * follow it are one message, as in the other protocol. Throws an {@link ApiError} if the body is malformed, or counts on
 * a conversation that is not kept.
 */
export function parseResponsesRequest(body: unknown, storedItem: StoredItem): ResponsesRequest {
  const { model, stream, store, input, previous_response_id, conversation, ...repeated } =
    parseBody(request, body);
  if (previous_response_id != null) {
    throw new ApiError(400, `Previous response with id '${previous_response_id}' not found.`, {
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  }
  if (conversation != null) {
    throw new ApiError(404, "Conversation not found.", { param: "conversation" });
  }

  const { instructions, tools } = repeated;
  const spoken = instructions === null ? [] : [{ role: "system" as const, text: instructions }];
  const messages = [...spoken, ...input.flatMap((entry) => itemMessage(entry, storedItem) ?? [])];
  return {
    turn: modelTurn({
      model,
      stream: stream === true,
      tools: tools.map(({ type, name }) => name ?? type),
      messages: joinCalls(messages),
    }),
    repeated,
    store: store !== false,
  };
}

const item = z.preprocess(
  (entry) => (isObject(entry) && !("type" in entry) ? { ...entry, type: "message" } : entry),
  z.discriminatedUnion("type", [
    z.object({
      type: z.literal("message"),
      role: z.enum(["system", "developer", "user", "assistant"]),
      content: contentText,
    }),
    z.object({
      type: z.literal("function_call"),
      call_id: z.string(),
      name: z.string(),
      arguments: z.string(),
    }),
    z.object({ type: z.literal("function_call_output"), call_id: z.string(), output: contentText }),
    z.object({ type: z.literal("item_reference"), id: z.string() }),
    z.object({ type: z.literal("reasoning") }),
  ]),
);

const request = z.object({
  model: z.string(),
  input: z.preprocess(
    (input) => (typeof input === "string" ? [{ role: "user", content: input }] : input),
    z.array(item).min(1),
  ),
  stream: z.boolean().nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  instructions: z.string().nullable().default(null),
  metadata: z.record(z.string(), z.string()).nullable().default({}),
  parallel_tool_calls: z.boolean().nullable().default(true),
  temperature: z.number().nullable().default(1),
  tool_choice: z.unknown().default("auto"),
  tools: z
    .array(z.looseObject({ type: z.string(), name: z.string().optional() }))
    .nullish()
    .transform((tools) => tools ?? []),
  top_p: z.number().nullable().default(1),
});

function itemMessage(wire: z.infer<typeof item>, storedItem: StoredItem): ModelMessage | undefined {
  switch (wire.type) {
    case "message":
      return { role: wire.role === "developer" ? "system" : wire.role, text: wire.content };
    case "function_call": {
      const { call_id: id, name, arguments: input } = wire;
      return { role: "assistant", text: "", toolCalls: [{ id, name, arguments: input }] };
    }
    case "function_call_output":
      return { role: "tool", text: wire.output, toolCallId: wire.call_id };
    case "item_reference": {
      const stored = storedItem(wire.id);
      if (stored !== undefined) return itemMessage(item.parse(stored), storedItem);
      throw new ApiError(404, `Item with id '${wire.id}' not found.`, { param: "input" });
    }
    default:
      return undefined;
  }
}

function joinCalls(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const joined: ModelMessage[] = [];
  for (const message of messages) {
    const before = joined.at(-1);
    if (before?.role === "assistant" && message.toolCalls !== undefined) {
      const toolCalls = [...(before.toolCalls ?? []), ...message.toolCalls];
      joined[joined.length - 1] = { ...before, toolCalls };
    } else {
      joined.push(message);
    }
  }
  return joined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
