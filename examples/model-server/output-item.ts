import type { ModelAnswer, StreamErrorReply } from "./model-script.ts";
import type { Ids } from "./protocol.ts";

/** What a response consists of, as its protocol writes it. */
export type OutputItem = OutputMessage | FunctionCall;

export interface OutputMessage {
  readonly type: "message";
  readonly id: string;
  readonly status: "completed";
  readonly role: "assistant";
  readonly content: readonly [OutputText];
}

interface OutputText {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly [];
  readonly logprobs: readonly [];
}

export interface FunctionCall {
  readonly type: "function_call";
  readonly id: string;
  readonly status: "completed";
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A reply as output items, which get their ids here: a message if there is a text, then the calls. */
export function outputItems(
  reply: ModelAnswer | StreamErrorReply,
  ids: Ids,
): readonly OutputItem[] {
  const calls = reply.type === "tool-calls" ? reply.calls : [];
  const message = reply.text === undefined ? [] : [outputMessage(reply.text, ids)];
  return [
    ...message,
    ...calls.map((call): FunctionCall => ({
      type: "function_call",
      id: ids("fc_"),
      status: "completed",
      call_id: call.id ?? ids("call_"),
      name: call.name,
      arguments: JSON.stringify(call.arguments),
    })),
  ];
}

function outputMessage(text: string, ids: Ids): OutputMessage {
  return {
    type: "message",
    id: ids("msg_"),
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
  };
}
