import { mediaPart } from "@waybill/core";

import { members, stringMember } from "./members.ts";
import type { Members } from "./members.ts";

/** A part of a message in the GenAI message schema. */
export interface MessagePart {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Blocks that repeat what stands in a message's `tool_calls`. */
const TOOL_CALL_BLOCKS: ReadonlySet<string> = new Set([
  "tool_call",
  "tool_call_chunk",
  "tool_use",
  "function_call",
  "input_json_delta",
  "invalid_tool_call",
]);
const MEDIA_BLOCK = /image|audio|video|file|document|media/i;

/** The content of a message, a text or blocks of any provider, in the GenAI message schema. */
export function contentParts(content: unknown): readonly MessagePart[] {
  if (typeof content === "string") return content === "" ? [] : [textPart(content)];
  return (Array.isArray(content) ? content : []).flatMap(blockParts);
}

/** What a tool gave: as it is, but with content blocks that are texts or media in the GenAI message schema. */
export function contentValue(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  return content.map((block: unknown) => {
    const { type, text } = members(block);
    if (type === "text" && typeof text === "string") return textPart(text);
    return (typeof type === "string" && mediaBlock(type, members(block))) || block;
  });
}

function blockParts(block: unknown): readonly MessagePart[] {
  if (typeof block === "string") return [textPart(block)];
  const content = members(block);
  const { type = "", text } = content;
  if (typeof type !== "string" || TOOL_CALL_BLOCKS.has(type)) return [];
  if (typeof text === "string") return [textPart(text)];
  if (type === "reasoning" || type === "thinking") return reasoningParts(content);
  return [mediaBlock(type, content) ?? { type }];
}

function textPart(content: string): MessagePart {
  return { type: "text", content };
}

function reasoningParts({ reasoning, thinking, summary }: Members): readonly MessagePart[] {
  const summaries = (Array.isArray(summary) ? summary : []).map((part) => members(part)["text"]);
  return [reasoning, thinking, ...summaries]
    .filter((text) => typeof text === "string" && text !== "")
    .map((content) => ({ type: "reasoning", content }));
}

/** Media, under the names of LangChain's content blocks and of the providers' own. */
function mediaBlock(type: string, block: Members): MessagePart | undefined {
  if (!MEDIA_BLOCK.test(type)) return undefined;
  const { source, image_url: image, input_audio: audio, file } = block;
  const media = {
    ...members(source),
    ...members(image),
    ...members(audio),
    ...members(file),
    ...block,
  };
  const url = stringMember(media, "url", "image_url", "file_url", "fileUri");
  const data = media["data"] ?? media["file_data"];
  const fileId = stringMember(media, "fileId", "file_id");
  if ((data ?? url ?? fileId) === undefined) return undefined;
  return mediaPart({
    kind: type,
    data,
    url,
    fileId,
    mediaType: stringMember(media, "mimeType", "mime_type", "media_type"),
  });
}
