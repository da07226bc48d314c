import type { ModelTurn } from "./model-script.ts";

/** Completes what a protocol read from a request with what follows from its messages. */
export function modelTurn(
  request: Pick<ModelTurn, "model" | "messages" | "tools" | "stream">,
): ModelTurn {
  const { messages } = request;
  const lastUser = messages.findLastIndex(({ role }) => role === "user");
  const sinceUser = messages.slice(lastUser + 1);
  return {
    ...request,
    system: messages.flatMap(({ role, text }) => (role === "system" ? text : [])).join("\n\n"),
    lastUserText: messages[lastUser]?.text ?? "",
    toolResultsSinceUser: sinceUser.filter(({ role }) => role === "tool").length,
  };
}
