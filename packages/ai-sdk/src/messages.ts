import type { LlmInput } from "@waybill/core";

import type { ContentPart, PromptMessage } from "./model-spec.ts";

/** A part in the GenAI message schema. */
interface MessagePart {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * A prompt in the GenAI message schema. The system messages at its beginning are its instructions; inline media is told
 * by its type and size, and never recorded itself.
 *
 * @see https://github.com/open-telemetry/semantic-conventions-genai
 */
export function inputMessages(prompt: readonly PromptMessage[]): LlmInput {
  const firstOther = prompt.findIndex(({ role }) => role !== "system");
  const instructions = firstOther === -1 ? prompt : prompt.slice(0, firstOther);
  return {
    messages: prompt
      .slice(instructions.length)
      .map(({ role, content }) => ({ role, parts: messageParts(content) })),
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
      return mediaPart(part);
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
  return part.type === "text" || part.type === "custom" ? messagePart(part) : mediaPart(part);
}

/** Media, with its data tagged as since specification v4, or plain as before: a URL, bytes or base64. */
function mediaPart({ data, url, mediaType }: ContentPart): MessagePart {
  const mime_type = typeof mediaType === "string" ? mediaType : undefined;
  const media = { modality: modality(mime_type), mime_type };
  const tagged = isPart(data) ? data : { type: url === undefined ? "data" : "url", data, url };

  if (tagged.type === "text") return { type: "text", content: tagged["text"] };
  if (tagged.type === "reference") {
    const [fileId] = Object.values((tagged["reference"] ?? {}) as Record<string, unknown>);
    return { type: "file", ...media, file_id: String(fileId) };
  }
  const source = tagged["url"] ?? tagged["data"];
  const uri = source instanceof URL || tagged.type === "url" ? String(source) : undefined;
  if (uri !== undefined && !/^data:/i.test(uri)) return { type: "uri", ...media, uri };
  return { type: "media", ...media, bytes: byteLength(uri ?? source) };
}

function modality(mimeType = ""): string {
  const [kind = ""] = mimeType.split("/", 1);
  return ["image", "audio", "video"].includes(kind) ? kind : "document";
}

function byteLength(data: unknown): number | undefined {
  if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return data.byteLength;
  if (typeof data !== "string") return undefined;
  const base64 = data.slice(data.indexOf(",") + 1).replace(/=+$/, "");
  return Math.floor((base64.length * 3) / 4);
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
