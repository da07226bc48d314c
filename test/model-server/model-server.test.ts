import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, isStepCount, streamText, tool } from "ai";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelServer,
  ModelTurn,
} from "../../examples/model-server/model-server.ts";

const USAGE = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 64, reasoningTokens: 8 };

let server: ModelServer;
afterEach(() => server.close());

async function langChain(script: (turn: ModelTurn) => ModelReply): Promise<ChatOpenAI> {
  server = await startModelServer({ script });
  return new ChatOpenAI({
    model: "gpt-5",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: server.baseUrl },
  });
}

describe("the model server, asked by @langchain/openai", () => {
  it("answers whole and streamed, with usage", async () => {
    const model = await langChain(() => ({
      type: "text",
      text: "It is on its way.",
      usage: USAGE,
    }));
    const whole = await model.invoke("Where is it?");
    const chunks = await Array.fromAsync(await model.stream("Where is it?"));

    expect(whole.text).toBe("It is on its way.");
    expect(chunks.map(({ text }) => text).join("")).toBe("It is on its way.");
    expect(chunks.length).toBeGreaterThan(3);
    const usage = {
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      input_token_details: { cache_read: 64 },
      output_token_details: { reasoning: 8 },
    };
    expect(whole.usage_metadata).toMatchObject(usage);
    expect(chunks.reduce((sum, chunk) => sum.concat(chunk)).usage_metadata).toMatchObject(usage);
  });

  it("asks for several tools at once", async () => {
    const calls = [
      { name: "a", arguments: { x: 1 } },
      { name: "b", arguments: { y: "2" } },
    ];
    const model = await langChain(() => ({ type: "tool-calls", calls }));
    const { tool_calls } = await model.invoke("Go");

    expect(tool_calls?.map(({ name, args, id }) => [name, args, id])).toEqual([
      ["a", { x: 1 }, "call_1"],
      ["b", { y: "2" }, "call_2"],
    ]);
  });

  it("fails as the provider would", async () => {
    const model = await langChain(() => ({
      type: "error",
      status: 429,
      code: "rate_limit_exceeded",
      message: "Slow down",
    }));

    await expect(model.invoke("Go")).rejects.toMatchObject({
      status: 429,
      code: "rate_limit_exceeded",
    });
  });
});

describe.each(["responses", "chat"] as const)(
  "the model server, asked by @ai-sdk/openai by its %s API",
  (api) => {
    async function aiSdk(script: (turn: ModelTurn) => ModelReply) {
      server = await startModelServer({ script });
      return createOpenAI({ apiKey: "none", baseURL: server.baseUrl })[api]("gpt-5-mini");
    }

    it("takes part in a loop of tools, whole and streamed, with usage", async () => {
      const model = await aiSdk(({ toolResultsSinceUser }) =>
        toolResultsSinceUser === 0
          ? {
              type: "tool-calls",
              calls: [{ name: "add", arguments: { a: 1, b: 2 } }],
              usage: USAGE,
            }
          : { type: "text", text: "It is 3.", usage: USAGE },
      );
      const add = tool({
        inputSchema: z.object({ a: z.number(), b: z.number() }),
        execute: async ({ a, b }) => a + b,
      });
      const options = { model, tools: { add }, prompt: "1 + 2?", stopWhen: isStepCount(3) };
      const whole = await generateText(options);
      const streamed = streamText(options);

      expect(whole.text).toBe("It is 3.");
      expect(await streamed.text).toBe("It is 3.");
      for (const { usage } of [...whole.steps, ...(await streamed.steps)]) {
        expect(usage).toMatchObject({
          inputTokens: 100,
          outputTokens: 20,
          inputTokenDetails: { cacheReadTokens: 64 },
          outputTokenDetails: { reasoningTokens: 8 },
        });
      }
    });

    it("breaks a stream in the middle when its script says so", async () => {
      const model = await aiSdk(() => ({
        type: "stream-error",
        text: "It is",
        message: "The model broke",
      }));
      const errors: unknown[] = [];
      const { fullStream } = streamText({
        model,
        prompt: "Go",
        onError: ({ error }) => void errors.push(error),
      });
      const types = (await Array.fromAsync(fullStream)).map(({ type }) => type);

      expect(types).toContain("text-delta");
      expect(types).toContain("error");
      expect(errors).toHaveLength(1);
    });
  },
);

describe("the model server", () => {
  it("notices that a reader left", async () => {
    server = await startModelServer({
      script: () => ({ type: "text", text: "a b c d e f" }),
      chunkDelayMs: 5,
    });
    const controller = new AbortController();
    const response = await post(
      "/chat/completions",
      { model: "m", stream: true, messages: [{ role: "user", content: "x" }] },
      controller.signal,
    );
    await response.body?.getReader().read();
    controller.abort();

    await expect.poll(() => server.abortedStreams()).toBe(1);
  });

  it("answers a malformed request and an unknown path in the provider's words", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "" }) });
    const malformed = await post("/responses", { model: "m", input: [] });
    const unknown = await post("/embeddings", {});

    expect([malformed.status, unknown.status]).toEqual([400, 404]);
    expect(await malformed.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  });
});

function post(path: string, body: object, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(server.baseUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}
