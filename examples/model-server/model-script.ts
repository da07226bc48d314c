/**
 * What the stand-in model says to a turn of a conversation. A script that throws is answered as a failure of the
 * provider, with a status of 500.
 */
export type ModelScript = (turn: ModelTurn) => ModelReply | Promise<ModelReply>;

/** A request to the model, the same for each protocol. */
export interface ModelTurn {
  readonly model: string;

  /** The instructions: the texts of the system and developer messages, with an empty line between them. */
  readonly system: string;

  /** The conversation in order, with the system messages. */
  readonly messages: readonly ModelMessage[];

  /** The names of the tools that are offered; of a tool that the provider itself runs, its type. */
  readonly tools: readonly string[];
  readonly stream: boolean;

  /** The text of the last user message. */
  readonly lastUserText: string;

  /** How many tool results came after the last user message. */
  readonly toolResultsSinceUser: number;
}

/** A message of the conversation. Developer messages count as the system's. */
export interface ModelMessage {
  readonly role: "system" | "user" | "assistant" | "tool";

  /** The text parts, joined; what is not text is left out. */
  readonly text: string;

  /** The tools that an assistant asked for. Absent if it asked for none. */
  readonly toolCalls?: readonly MessageToolCall[];

  /** The call that a tool's result answers. */
  readonly toolCallId?: string;
}

/** A tool call as the client sent it back. */
export interface MessageToolCall {
  readonly id: string;
  readonly name: string;

  /** JSON, as sent: it is not parsed, and may be none. */
  readonly arguments: string;
}

/** A tool that the model wants to be called. */
export interface ModelToolCall {
  readonly name: string;
  readonly arguments: object;

  /** Without it, the server counts: `call_1`, `call_2`. */
  readonly id?: string;
}

/** Tokens, as a provider counts them: the parts are contained in the totals. */
export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;

  /** @default 0 */
  readonly cachedInputTokens?: number;

  /** @default 0 */
  readonly reasoningTokens?: number;
}

/**
 * The model's reply.
 *
 * - `text` is streamed word by word
 * - `tool-calls` asks for one or several tools at once
 * - `error` answers with an HTTP error instead
 * - `stream-error` streams the text and then an error, and breaks the connection
 */
export type ModelReply = ModelAnswer | ErrorReply | StreamErrorReply;

/** A reply that is complete. Without `usage`, {@link usageOf} estimates it. */
export type ModelAnswer = TextReply | ToolCallsReply;

export interface TextReply {
  readonly type: "text";
  readonly text: string;

  /** The pieces in which `text` is streamed, instead of its words. Others than `text` fail the stream like a throw. */
  readonly chunks?: readonly string[];
  readonly usage?: ModelUsage;
}

export interface ToolCallsReply {
  readonly type: "tool-calls";
  readonly calls: readonly ModelToolCall[];

  /** What the model says before its calls. */
  readonly text?: string;
  readonly usage?: ModelUsage;
}

export interface ErrorReply {
  readonly type: "error";
  readonly status: 400 | 401 | 429 | 500 | 503;
  readonly code: string;
  readonly message: string;

  /** Such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Streams the text, then an event that says the error, and breaks the connection in the middle of the response. To a
 * request without a stream it is an error with a status of 500.
 */
export interface StreamErrorReply {
  readonly type: "stream-error";
  readonly text: string;

  /** @default "The server had an error while processing your request." */
  readonly message?: string;

  /**
   * Whether the error is said before the connection breaks. Else clients only see the network fail.
   *
   * @default true
   */
  readonly errorEvent?: boolean;
}
