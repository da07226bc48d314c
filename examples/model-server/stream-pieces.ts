import type { StreamErrorReply, TextReply, ToolCallsReply } from "./model-script.ts";

/**
 * The text of a reply in the pieces in which it is streamed: its script's, else its words, each with the space before
 * it. Together they are the text, and none is empty. Throws if the script's are another text.
 */
export function textPieces(
  reply: TextReply | ToolCallsReply | StreamErrorReply,
): readonly string[] {
  const { text = "" } = reply;
  const chunks = reply.type === "text" ? reply.chunks : undefined;
  const pieces = chunks ?? text.split(/(?<=\S)(?=\s)/);
  if (pieces.join("") !== text) {
    throw new TypeError(`\`chunks\` must be the pieces of \`text\`, got ${JSON.stringify(chunks)}`);
  }
  return pieces.filter((piece) => piece !== "");
}

/** A call's arguments in the pieces in which they are streamed: a few characters each, no character divided. */
export function argumentPieces(json: string): readonly string[] {
  return json.match(/.{1,12}/gsu) ?? [];
}
