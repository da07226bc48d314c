import { ChatOpenAI } from "@langchain/openai";
import { afterEach, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelScript,
  ModelServer,
} from "../../examples/model-server/model-server.ts";

const USAGE = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 64, reasoningTokens: 8 };
const PARALLEL: ModelReply = {
  type: "tool-calls",
  text: "Let me see.",
  calls: [
    { name: "look_up_order", arguments: { orderId: "A-1001", fields: ["state", "Größe 📦"] } },
    { name: "find_policy", arguments: {}, id: "call_policy" },
  ],
};

let server: ModelServer;
afterEach(() => server.close());

describe.each([
  ["chat completions", "/v1/chat/completions", {}],
  ["responses", "/v1/responses", { useResponsesApi: true }],
] as const)("the model server, asked by @langchain/openai for %s", (_name, path, options) => {
  async function langChain(script: ModelScript, chunkDelayMs?: number): Promise<ChatOpenAI> {
    server = await startModelServer({ script, ...(chunkDelayMs && { chunkDelayMs }) });
    return new ChatOpenAI({
      model: "gpt-5",
      apiKey: "test",
      maxRetries: 0,
      configuration: { baseURL: server.baseUrl },
      ...options,
    });
  }

  it("answers a whole text, with the usage that the script says", async () => {
    const model = await langChain(() => ({
      type: "text",
      text: "It is on its way.",
      usage: USAGE,
    }));

    const message = await model.invoke("Where is it?");

    expect(message.text).toBe("It is on its way.");
    expect(message.usage_metadata).toMatchObject({
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      input_token_details: { cache_read: 64 },
      output_token_details: { reasoning: 8 },
    });
    expect(server.requests.map((request) => request.path)).toEqual([path]);
  });

  it("streams a text word by word, and then its usage", async () => {
    const model = await langChain(() => ({
      type: "text",
      text: "It is on its way.",
      usage: USAGE,
    }));

    const chunks = await Array.fromAsync(await model.stream("Where is it?"));

    expect(chunks.map(({ text }) => text).filter(Boolean)).toEqual([
      "It",
      " is",
      " on",
      " its",
      " way.",
    ]);
    const whole = chunks.reduce((sum, chunk) => sum.concat(chunk));
    expect(whole.usage_metadata).toMatchObject({
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      input_token_details: { cache_read: 64 },
      output_token_details: { reasoning: 8 },
    });
  });

  it("asks for several tools in one turn, whole and streamed", async () => {
    const model = await langChain(() => PARALLEL);

    const whole = await model.invoke("Where is A-1001?");
    const chunks = await Array.fromAsync(await model.stream("Where is A-1001?"));

    const streamed = chunks.reduce((sum, chunk) => sum.concat(chunk));
    for (const [index, { text, tool_calls }] of [whole, streamed].entries()) {
      expect(text).toBe("Let me see.");
      expect(tool_calls?.map(({ id, name, args }) => [id, name, args])).toEqual([
        [
          `call_${index + 1}`,
          "look_up_order",
          { orderId: "A-1001", fields: ["state", "Größe 📦"] },
        ],
        ["call_policy", "find_policy", {}],
      ]);
    }
  });

  it("sees the tools, the calls and their results of a conversation", async () => {
    const model = await langChain(({ tools, messages, toolResultsSinceUser }) => ({
      type: "text",
      text: JSON.stringify({ tools, toolResultsSinceUser, last: messages.slice(-2) }),
    }));
    const bound = model.bindTools([
      { type: "function", function: { name: "look_up_order", parameters: { type: "object" } } },
    ]);

    const { text } = await bound.invoke([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Where is A-1001?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { type: "tool_call", id: "call_7", name: "look_up_order", args: { orderId: "A-1001" } },
        ],
      },
      { role: "tool", content: "shipped", tool_call_id: "call_7" },
    ]);

    expect(JSON.parse(text)).toEqual({
      tools: ["look_up_order"],
      toolResultsSinceUser: 1,
      last: [
        {
          role: "assistant",
          text: "",
          toolCalls: [{ id: "call_7", name: "look_up_order", arguments: '{"orderId":"A-1001"}' }],
        },
        { role: "tool", text: "shipped", toolCallId: "call_7" },
      ],
    });
  });

  it.each([
    [401, "AuthenticationError", "invalid_api_key", "invalid_request_error"],
    [429, "RateLimitError", "rate_limit_exceeded", "requests"],
    [500, "InternalServerError", "server_error", "server_error"],
  ] as const)("fails with status %i as the client's %s", async (status, name, code, type) => {
    const model = await langChain(() => ({ type: "error", status, code, message: "No." }));

    const error = await model.invoke("Go").catch((caught: unknown) => caught);

    expect(error).toMatchObject({ status, code, type, requestID: "req_1" });
    expect((error as Error).constructor.name).toBe(name);
  });

  it("breaks a stream in the middle with the error that the script says", async () => {
    const model = await langChain(() => ({
      type: "stream-error",
      text: "It is",
      message: "The model broke.",
    }));
    const texts: string[] = [];

    const reading = (async () => {
      for await (const { text } of await model.stream("Go")) texts.push(text);
    })();

    await expect(reading).rejects.toMatchObject({
      message: "The model broke.",
      code: "server_error",
    });
    expect(texts.join("")).toBe("It is");
  });

  it("breaks a stream in the middle without a word when the script says so", async () => {
    const model = await langChain(() => ({
      type: "stream-error",
      text: "It is",
      errorEvent: false,
    }));

    const reading = (async () => Array.fromAsync(await model.stream("Go")))();

    await expect(reading).rejects.toThrow("terminated");
    expect(server.abortedStreams).toBe(0);
  });

  it("notices that a stream is aborted by its signal", async () => {
    const model = await langChain(() => ({ type: "text", text: "It is on its way." }), 60_000);
    const controller = new AbortController();

    const reading = (async () => {
      for await (const { text } of await model.stream("Go", { signal: controller.signal })) {
        if (text !== "") controller.abort(new Error("The user left."));
      }
    })();

    await expect(reading).rejects.toThrow("The user left.");
    await expect.poll(() => server.abortedStreams).toBe(1);
  });

  it("notices that a reader breaks out of a stream", async () => {
    const model = await langChain(() => ({ type: "text", text: "and so on ".repeat(10_000) }), 1);

    // LangChain cancels its request when the next piece arrives, so there has to be one.
    for await (const { text } of await model.stream("Go")) {
      if (text !== "") break;
    }

    await expect.poll(() => server.abortedStreams).toBe(1);
  });
});
