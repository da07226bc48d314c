import { streamFailure } from "./api-error.ts";
import type { ModelAnswer, ModelUsage, StreamErrorReply } from "./model-script.ts";
import { outputItems } from "./output-item.ts";
import type { FunctionCall, OutputItem, OutputMessage } from "./output-item.ts";
import { CREATED_AT } from "./protocol.ts";
import type { Ids, Protocol, ServerSentEvent } from "./protocol.ts";
import { parseResponsesRequest } from "./responses-request.ts";
import type { ResponsesRequest } from "./responses-request.ts";
import { argumentPieces, textPieces } from "./stream-pieces.ts";
import { usageOf } from "./usage-of.ts";

const MAX_STORED_ITEMS = 1000;

/**
 * OpenAI's responses: `POST /v1/responses`. Remembers its last 1000 output items, because clients refer to them instead
 * of sending them again; `store: false` leaves them out.
 *
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responses(ids: Ids): Protocol {
  const stored = new Map<string, OutputItem>();
  const store = (items: readonly OutputItem[]): void => {
    for (const item of items) stored.set(item.id, item);
    for (const id of [...stored.keys()].slice(0, -MAX_STORED_ITEMS)) stored.delete(id);
  };

  return (body) => {
    const request = parseResponsesRequest(body, (id) => stored.get(id));
    const begin = (reply: ModelAnswer | StreamErrorReply): BegunResponse => {
      const begun = { request, id: ids("resp_"), output: outputItems(reply, ids) };
      if (request.store) store(begun.output);
      return begun;
    };
    return {
      turn: request.turn,
      json: (answer) => completed(begin(answer), answer),
      events: (reply) => events(begin(reply), reply),
    };
  };
}

/** A response whose ids are given. */
interface BegunResponse {
  readonly request: ResponsesRequest;
  readonly id: string;
  readonly output: readonly OutputItem[];
}

type MakeEvent = (type: string, content: object) => ServerSentEvent;

function* events(
  begun: BegunResponse,
  reply: ModelAnswer | StreamErrorReply,
): Iterable<ServerSentEvent> {
  let sequence_number = 0;
  const event: MakeEvent = (type, content) => ({
    event: type,
    data: JSON.stringify({ type, ...content, sequence_number: sequence_number++ }),
  });

  yield event("response.created", { response: inProgress(begun) });
  yield event("response.in_progress", { response: inProgress(begun) });
  for (const [output_index, item] of begun.output.entries()) {
    if (item.type === "function_call") {
      yield* callEvents(item, output_index, event);
      continue;
    }
    yield* messageBeginning(item, output_index, textPieces(reply), event);
    if (reply.type === "stream-error") {
      // Not the flat event of the reference: the service nests it, and clients read both.
      if (reply.errorEvent ?? true) yield event("error", streamFailure(reply).body);
      return;
    }
    yield* messageEnd(item, output_index, event);
  }
  if (reply.type !== "stream-error") {
    yield event("response.completed", { response: completed(begun, reply) });
  }
}

function* messageBeginning(
  item: OutputMessage,
  output_index: number,
  pieces: readonly string[],
  event: MakeEvent,
): Iterable<ServerSentEvent> {
  const at = { item_id: item.id, output_index, content_index: 0 };
  const added = { ...item, status: "in_progress", content: [] };
  yield event("response.output_item.added", { output_index, item: added });
  yield event("response.content_part.added", { ...at, part: { ...item.content[0], text: "" } });
  for (const delta of pieces) {
    yield { ...event("response.output_text.delta", { ...at, delta, logprobs: [] }), isPiece: true };
  }
}

function* messageEnd(
  item: OutputMessage,
  output_index: number,
  event: MakeEvent,
): Iterable<ServerSentEvent> {
  const at = { item_id: item.id, output_index, content_index: 0 };
  const [part] = item.content;
  yield event("response.output_text.done", { ...at, text: part.text, logprobs: [] });
  yield event("response.content_part.done", { ...at, part });
  yield event("response.output_item.done", { output_index, item });
}

function* callEvents(
  item: FunctionCall,
  output_index: number,
  event: MakeEvent,
): Iterable<ServerSentEvent> {
  const at = { item_id: item.id, output_index };
  const added = { ...item, status: "in_progress", arguments: "" };
  yield event("response.output_item.added", { output_index, item: added });
  for (const delta of argumentPieces(item.arguments)) {
    yield { ...event("response.function_call_arguments.delta", { ...at, delta }), isPiece: true };
  }
  yield event("response.function_call_arguments.done", { ...at, arguments: item.arguments });
  yield event("response.output_item.done", { output_index, item });
}

function inProgress({ request, id }: BegunResponse): object {
  return {
    id,
    object: "response",
    created_at: CREATED_AT,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    model: request.turn.model,
    output: [],
    previous_response_id: null,
    service_tier: "default",
    store: request.store,
    usage: null,
    ...request.repeated,
  };
}

function completed(begun: BegunResponse, answer: ModelAnswer): object {
  return {
    ...inProgress(begun),
    status: "completed",
    completed_at: CREATED_AT,
    output: begun.output,
    usage: usage(usageOf(answer, begun.request.turn)),
  };
}

function usage(tokens: ModelUsage): object {
  return {
    input_tokens: tokens.inputTokens,
    input_tokens_details: { cached_tokens: tokens.cachedInputTokens ?? 0, cache_write_tokens: 0 },
    output_tokens: tokens.outputTokens,
    output_tokens_details: { reasoning_tokens: tokens.reasoningTokens ?? 0 },
    total_tokens: tokens.inputTokens + tokens.outputTokens,
  };
}
