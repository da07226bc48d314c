import { mediaPart } from "@waybill/core";
import type { LlmInput } from "@waybill/core";

import type { ContentPart, PromptMessage } from "./model-spec.ts";

/** A part in the GenAI message schema. */
interface MessagePart {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * A prompt in the GenAI message schema. The system messages at its beginning are its instructions; inline media is told
 * by its type, size and hash, and never recorded itself.
 *
 * @see https://github.com/open-telemetry/semantic-conventions-genai
 */
export function promptInput(prompt: readonly PromptMessage[]): LlmInput<PromptMessage> {
  const firstOther = prompt.findIndex(({ role }) => role !== "system");
  const instructions = firstOther === -1 ? prompt : prompt.slice(0, firstOther);
  return {
    messages: prompt.slice(instructions.length),
    toMessage: ({ role, content }) => ({ role, parts: messageParts(content) }),
    // Not the provider's options: the marks for its cache move on from one step to the next.
    keyOf: ({ role, content }) => [role, content],
    ...(instructions.length > 0 && {
      system: instructions.flatMap(({ content }) => messageParts(content)),
    }),
  };
}

/** A model's answer in the GenAI message schema. */
export function outputMessages(content: readonly ContentPart[], finishReason = "other"): unknown {
  return [{ role: "assistant", parts: messageParts(content), finish_reason: finishReason }];
}

function messageParts(content: string | readonly ContentPart[]): MessagePart[] {
  if (typeof content === "string") return [{ type: "text", content }];
  return content.map(messagePart);
}

function messagePart(part: ContentPart): MessagePart {
  const { type, text, toolCallId: id, toolName: name } = part;
  switch (type) {
    case "text":
    case "reasoning":
      return { type, content: text };
    case "file":
    case "reasoning-file":
      return filePart(part);
    case "tool-call":
      return { type: "tool_call", id, name, arguments: parsedJson(part["input"]) };
    case "tool-result":
      return { type: "tool_call_response", id, response: toolResponse(part) };
    default:
      return { type: type.replaceAll("-", "_") };
  }
}

/** A tool's result: tagged in a prompt (`output`), the plain value in a model's answer (`result`). */
function toolResponse({ output, result }: ContentPart): unknown {
  if (!isPart(output)) return output ?? result ?? null;
  const { type, value, reason } = output;
  if (type === "content" && Array.isArray(value)) return (value as ContentPart[]).map(resultPart);
  return value ?? { type, reason };
}

function resultPart(part: ContentPart): MessagePart {
  return part.type === "text" || part.type === "custom" ? messagePart(part) : filePart(part);
}

/** Media, with its data tagged as since specification v4, or plain as before: a URL, bytes or base64. */
function filePart({ type, data, url, fileId, mediaType }: ContentPart): MessagePart {
  const tagged = isPart(data) ? data : { type, data, url };
  if (tagged.type === "text") return { type: "text", content: tagged["text"] };
  return mediaPart({
    kind: type,
    data: tagged["data"],
    url: tagged["url"],
    fileId: fileIdOf(tagged["reference"] ?? fileId),
    mediaType: typeof mediaType === "string" ? mediaType : undefined,
  });
}

/** A file's id, plain or by provider. */
function fileIdOf(reference: unknown): string | undefined {
  const [id] = typeof reference === "string" ? [reference] : Object.values(reference ?? {});
  return typeof id === "string" ? id : undefined;
}

function isPart(value: unknown): value is ContentPart {
  return (
    typeof value === "object" && value !== null && typeof (value as ContentPart).type === "string"
  );
}

function parsedJson(input: unknown): unknown {
  if (typeof input !== "string") return input;
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}
