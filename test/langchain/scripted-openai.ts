import { ChatOpenAI } from "@langchain/openai";
import type { ChatOpenAIFields } from "@langchain/openai";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelScript,
  ModelServer,
} from "../../examples/model-server/model-server.ts";

/** LangChain's real OpenAI models, talking to a model server that follows a script. */
export interface ScriptedOpenAI {
  /** A `gpt-5`, unless the fields say otherwise. It does not ask again when it is refused. */
  readonly model: (fields?: ChatOpenAIFields) => ChatOpenAI;
  readonly server: ModelServer;
}

/** Starts a scripted model. */
export async function startOpenAI(script: ModelScript): Promise<ScriptedOpenAI> {
  const server = await startModelServer({ script });
  const model = (fields: ChatOpenAIFields = {}): ChatOpenAI =>
    new ChatOpenAI({
      model: "gpt-5",
      apiKey: "sk-secret",
      maxRetries: 0,
      configuration: { baseURL: server.baseUrl },
      ...fields,
    });
  return { model, server };
}

/** A script that asks for these tools, all at once, and answers when it has their results. */
export function callsTools(
  names: readonly string[],
  { input = {}, answer = "Done." }: { readonly input?: object; readonly answer?: string } = {},
): ModelScript {
  const calls = names.map((name) => ({ name, arguments: input }));
  return ({ toolResultsSinceUser }) =>
    toolResultsSinceUser > 0 ? { type: "text", text: answer } : { type: "tool-calls", calls };
}

/** A script that always gives this reply. */
export function always(reply: ModelReply): ModelScript {
  return () => reply;
}

/** A script that never answers, and tells when it was asked. */
export function hanging(): { readonly script: ModelScript; readonly asked: Promise<void> } {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const script: ModelScript = () => {
    resolve();
    return new Promise(() => {});
  };
  return { script, asked };
}

/** A text of several words, each of which is a piece of the stream. */
export const SEVERAL_WORDS: ModelReply = { type: "text", text: "one two three four five" };
