import { createOpenAI } from "@ai-sdk/openai";
import type { OpenAIProvider } from "@ai-sdk/openai";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelScript,
  ModelServer,
} from "../../examples/model-server/model-server.ts";

/** The real OpenAI provider, talking to a model server that follows a script. */
export interface ScriptedOpenAI {
  readonly openai: OpenAIProvider;
  readonly server: ModelServer;
}

/** Starts a scripted model. */
export async function startOpenAI(script: ModelScript): Promise<ScriptedOpenAI> {
  const server = await startModelServer({ script });
  return { openai: createOpenAI({ baseURL: server.baseUrl, apiKey: "test" }), server };
}

/** A script that gives the replies one after the other, and then the last one for ever. */
export function inTurn(...replies: readonly ModelReply[]): ModelScript {
  let turn = 0;
  return () => {
    const reply = replies[Math.min(turn, replies.length - 1)];
    turn += 1;
    if (reply === undefined) throw new Error("the script is empty");
    return reply;
  };
}

/** The provider is overloaded, and says that it may be asked again at once. */
export const OVERLOADED = {
  type: "error",
  status: 503,
  code: "overloaded",
  message: "Overloaded",
  headers: { "retry-after-ms": "1" },
} as const satisfies ModelReply;

/** A text long enough that a reader can leave in the middle of it. */
export const LONG_TEXT: ModelReply = { type: "text", text: "word ".repeat(100).trim() };
