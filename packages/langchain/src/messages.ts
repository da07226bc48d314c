import type { LlmInput } from "@waybill/core";

import { members, stringMember } from "./members.ts";
import type { Members } from "./members.ts";
import { contentParts, contentValue } from "./message-parts.ts";
import type { MessagePart } from "./message-parts.ts";
import type { Generation } from "./model-answer.ts";

/** What LangChain calls the roles of the conventions. */
const ROLES: ReadonlyMap<string, string> = new Map([
  ["human", "user"],
  ["ai", "assistant"],
  ["developer", "system"],
  ["function", "tool"],
]);

/**
 * Messages in the GenAI message schema. The system messages at their beginning are the model's instructions; inline
 * media is told by its type, size and hash, and never recorded itself.
 *
 * @see https://github.com/open-telemetry/semantic-conventions-genai
 */
export function inputMessages(messages: readonly unknown[]): LlmInput<Members> {
  const given = messages.map(members);
  const firstOther = given.findIndex((message) => roleOf(message) !== "system");
  const instructions = firstOther === -1 ? given : given.slice(0, firstOther);
  return {
    messages: given.slice(instructions.length),
    toMessage: inputMessage,
    keyOf: messageKey,
    ...(instructions.length > 0 && {
      system: instructions.flatMap(({ content }) => contentParts(content)),
    }),
  };
}

/** The prompt of a completion model in the GenAI message schema. */
export function inputPrompt(prompt: unknown): LlmInput {
  return { messages: [{ role: "user", parts: contentParts(prompt) }] };
}

/** A model's answers in the GenAI message schema. */
export function outputMessages(generations: readonly Generation[]): unknown {
  return generations.map(({ text, message, finishReason }) => ({
    role: "assistant",
    parts: message === undefined ? contentParts(text) : assistantParts(message),
    finish_reason: finishReason ?? "other",
  }));
}

/** What stays the same of a message: not its id, and not the marks for a provider's cache that move on with each call. */
function messageKey(message: Members): unknown {
  const { content, tool_calls: calls, tool_call_id: callId } = message;
  const blocks = Array.isArray(content) ? content : [{ text: content }];
  const texts = blocks.map((block: unknown) => members(block)["text"] ?? block);
  return [roleOf(message), texts, calls, callId];
}

function inputMessage(message: Members): unknown {
  const role = roleOf(message);
  const name = role === "tool" ? undefined : stringMember(message, "name");
  return { role, parts: messageParts(role, message), ...(name !== undefined && { name }) };
}

function roleOf(message: Members): string {
  const type = stringMember(message, "type") ?? "user";
  const role = type === "generic" ? (stringMember(message, "role") ?? "user") : type;
  return ROLES.get(role) ?? role;
}

function messageParts(role: string, message: Members): readonly MessagePart[] {
  if (role === "assistant") return assistantParts(message);
  if (role !== "tool") return contentParts(message["content"]);
  const { tool_call_id: id, content } = message;
  return [{ type: "tool_call_response", id, response: contentValue(content) ?? null }];
}

/** Providers tell of tool calls and of reasoning in many places; LangChain gathers the calls in one. */
function assistantParts(message: Members): readonly MessagePart[] {
  const { content, tool_calls: calls, invalid_tool_calls: invalidCalls } = message;
  const parts = contentParts(content);
  const reasoned = parts.some(({ type }) => type === "reasoning");
  return [
    ...(reasoned ? [] : reasoningParts(members(message["additional_kwargs"]))),
    ...parts,
    ...[calls, invalidCalls].flatMap((list) => (Array.isArray(list) ? list : [])).map(toolCallPart),
  ];
}

function reasoningParts({ reasoning_content: text, reasoning }: Members): readonly MessagePart[] {
  if (typeof text === "string" && text !== "") return [{ type: "reasoning", content: text }];
  return reasoning === undefined
    ? []
    : contentParts([{ type: "reasoning", ...members(reasoning) }]);
}

function toolCallPart(call: unknown): MessagePart {
  const { id, name, args } = members(call);
  return { type: "tool_call", id, name, arguments: args };
}
