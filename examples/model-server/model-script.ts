/** What the stand-in model says to a turn of a conversation. */
export type ModelScript = (turn: ModelTurn) => ModelReply | Promise<ModelReply>;

/** A request to the model, the same for each protocol. */
export interface ModelTurn {
  readonly model: string;
  readonly messages: readonly ModelMessage[];

  /** The names of the tools that are offered. */
  readonly tools: readonly string[];
  readonly stream: boolean;

  /** The text of the last user message. */
  readonly lastUserText: string;

  /** How many tool results came after the last user message. */
  readonly toolResultsSinceUser: number;
}

/** A message of the conversation. */
export interface ModelMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly text: string;
}

/** A tool that the model wants to be called. */
export interface ModelToolCall {
  readonly name: string;
  readonly arguments: object;
}

/** Tokens, as a provider counts them: the parts are contained in the totals. */
export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}

/**
 * The model's answer.
 *
 * - `text` is streamed word by word
 * - `tool-calls` asks for one or several tools at once
 * - `error` answers with an HTTP error instead
 * - `stream-error` streams the text and then an error, and breaks the connection
 */
export type ModelReply =
  | { readonly type: "text"; readonly text: string; readonly usage?: ModelUsage }
  | {
      readonly type: "tool-calls";
      readonly calls: readonly ModelToolCall[];
      readonly usage?: ModelUsage;
    }
  | {
      readonly type: "error";
      readonly status: 400 | 401 | 429 | 500 | 503;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: "stream-error"; readonly text: string; readonly message: string };

/** A reply that is answered with a status of 200. */
export type ModelAnswer = Exclude<ModelReply, { type: "error" }>;

/** What an answer used: what its script says, else a token for every four characters of the conversation. */
export function usageOf(answer: ModelAnswer, turn: ModelTurn): ModelUsage {
  if (answer.type !== "stream-error" && answer.usage !== undefined) return answer.usage;
  const input = turn.messages.reduce((length, { text }) => length + text.length, 0);
  const output = answer.type === "tool-calls" ? JSON.stringify(answer.calls) : answer.text;
  return { inputTokens: Math.ceil(input / 4), outputTokens: Math.ceil(output.length / 4) };
}

/** A text in the pieces in which it is streamed: words with the space before them. */
export function pieces(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}

/** A turn's summary members, from its messages. */
export function sinceUser(
  messages: readonly ModelMessage[],
): Pick<ModelTurn, "lastUserText" | "toolResultsSinceUser"> {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return {
    lastUserText: messages[last]?.text ?? "",
    toolResultsSinceUser: messages.slice(last + 1).filter(({ role }) => role === "tool").length,
  };
}
