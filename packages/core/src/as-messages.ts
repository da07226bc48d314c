/**
 * What is given for messages, in the GenAI message schema: a text becomes the one message of `role`; anything else is
 * taken to be in the schema already.
 *
 * @param finishReason Why the model stopped, where that is known.
 */
export function asMessages(role: string, given: unknown, finishReason?: string): unknown {
  return typeof given === "string"
    ? [{ role, parts: textParts(given), finish_reason: finishReason }]
    : (given ?? undefined);
}

/** A text as the parts of a message, or of system instructions; anything else is taken to be such parts already. */
export function textParts(given: unknown): unknown {
  return typeof given === "string" ? [{ type: "text", content: given }] : (given ?? undefined);
}
