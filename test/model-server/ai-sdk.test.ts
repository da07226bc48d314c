import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, isStepCount, streamText, tool } from "ai";
import type { LanguageModel } from "ai";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelScript,
  ModelServer,
  ModelTurn,
} from "../../examples/model-server/model-server.ts";

const USAGE = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 64, reasoningTokens: 8 };
const SDK_USAGE = {
  inputTokens: 100,
  inputTokenDetails: { cacheReadTokens: 64, noCacheTokens: 36 },
  outputTokens: 20,
  outputTokenDetails: { reasoningTokens: 8, textTokens: 12 },
  totalTokens: 120,
};

const add = tool({
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a + b,
});

/** Two sums at once, then one of their results, then the answer. */
function adder({ toolResultsSinceUser, messages }: ModelTurn): ModelReply {
  const sums = messages.flatMap(({ role, text }) => (role === "tool" ? Number(text) : []));
  if (toolResultsSinceUser === 0) {
    const calls = [
      { name: "add", arguments: { a: 1, b: 2 } },
      { name: "add", arguments: { a: 3, b: 4 } },
    ];
    return { type: "tool-calls", text: "Two sums first.", calls, usage: USAGE };
  }
  if (toolResultsSinceUser === 2) {
    const [a = 0, b = 0] = sums;
    return { type: "tool-calls", calls: [{ name: "add", arguments: { a, b } }], usage: USAGE };
  }
  return { type: "text", text: `It is ${sums.at(-1)}.`, usage: USAGE };
}

let server: ModelServer;
afterEach(() => server.close());

describe.each([
  ["responses", "/v1/responses"],
  ["chat", "/v1/chat/completions"],
] as const)("the model server, asked by @ai-sdk/openai through its %s API", (api, path) => {
  async function aiSdk(
    script: ModelScript,
    { id = "gpt-5-mini", chunkDelayMs = 0 } = {},
  ): Promise<LanguageModel> {
    server = await startModelServer({ script, chunkDelayMs });
    const openai = createOpenAI({ apiKey: "test", baseURL: server.baseUrl });
    return api === "responses" ? openai(id) : openai.chat(id);
  }

  it("answers a whole text, with the usage that the script says", async () => {
    const model = await aiSdk(() => ({ type: "text", text: "It is on its way.", usage: USAGE }));

    const { text, usage, finishReason } = await generateText({ model, prompt: "Where is it?" });

    expect(text).toBe("It is on its way.");
    expect(finishReason).toBe("stop");
    expect(usage).toMatchObject(SDK_USAGE);
    expect(server.requests.map((request) => request.path)).toEqual([path]);
  });

  it("streams a text in the pieces that the script says, and then its usage", async () => {
    const chunks = ["It is ", "on its", " way."];
    const text = chunks.join("");
    const model = await aiSdk(() => ({ type: "text", text, chunks, usage: USAGE }));

    const { textStream, usage, finishReason } = streamText({ model, prompt: "Where is it?" });

    expect(await Array.fromAsync(textStream)).toEqual(chunks);
    expect(await finishReason).toBe("stop");
    expect(await usage).toMatchObject(SDK_USAGE);
  });

  // To OpenAI's other models the client sends an earlier message as a reference to its id.
  it.each(["gpt-5-mini", "gpt-4o"])(
    "takes part in several steps of tools with %s, whole and streamed",
    async (id) => {
      const model = await aiSdk(adder, { id });
      const options = {
        model,
        tools: { add },
        prompt: "1 + 2 + 3 + 4?",
        stopWhen: isStepCount(5),
      };

      const whole = await generateText(options);
      const streamed = streamText(options);

      for (const steps of [whole.steps, await streamed.steps]) {
        expect(steps.map(({ finishReason, text }) => [finishReason, text])).toEqual([
          ["tool-calls", "Two sums first."],
          ["tool-calls", ""],
          ["stop", "It is 10."],
        ]);
        expect(
          steps.map(({ toolResults }) => toolResults.map(({ input, output }) => [input, output])),
        ).toEqual([
          [
            [{ a: 1, b: 2 }, 3],
            [{ a: 3, b: 4 }, 7],
          ],
          [[{ a: 3, b: 7 }, 10]],
          [],
        ]);
        for (const { usage } of steps) expect(usage).toMatchObject(SDK_USAGE);
      }
    },
  );

  it.each([
    [429, "rate_limit_exceeded", true],
    [500, "server_error", true],
    [401, "invalid_api_key", false],
  ] as const)("fails with status %i as the client's error", async (status, code, isRetryable) => {
    const headers = { "retry-after": "7" };
    const model = await aiSdk(() => ({ type: "error", status, code, message: "No.", headers }));

    const error = await generateText({ model, prompt: "Go", maxRetries: 0 }).catch(
      (caught: unknown) => caught,
    );

    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ message: "No.", statusCode: status, isRetryable });
    expect(error).toMatchObject({ data: { error: { code } }, responseHeaders: headers });
  });

  it("is asked again by the client after an error that passes", async () => {
    const replies: ModelReply[] = [
      {
        type: "error",
        status: 429,
        code: "rate_limit_exceeded",
        message: "Slow down.",
        headers: { "retry-after-ms": "1" },
      },
      { type: "text", text: "Here I am." },
    ];
    const model = await aiSdk(() => replies.shift() ?? { type: "text", text: "" });

    const { text } = await generateText({ model, prompt: "Go", maxRetries: 1 });

    expect(text).toBe("Here I am.");
    expect(server.requests).toHaveLength(2);
  });

  // The client reports the event, hands it on, and then throws because the connection broke.
  it.each([
    ["with the error that the script says", true, ["The model broke."]],
    ["without a word", false, []],
  ] as const)("breaks a stream in the middle %s", async (_how, errorEvent, messages) => {
    const model = await aiSdk(() => ({
      type: "stream-error",
      text: "It is",
      message: "The model broke.",
      errorEvent,
    }));
    const reported: unknown[] = [];
    const parts: unknown[] = [];

    const { fullStream } = streamText({
      model,
      prompt: "Go",
      onError: ({ error }) => void reported.push(error),
    });
    const reading = (async () => {
      for await (const part of fullStream) {
        if (part.type === "text-delta") parts.push(part.text);
        if (part.type === "error") parts.push((part.error as Error).message);
      }
    })();

    await expect(reading).rejects.toMatchObject({
      name: "AI_APICallError",
      statusCode: 200,
      cause: { message: "terminated" },
    });
    expect(parts).toEqual(["It", " is", ...messages]);
    expect(reported.map((error) => (error as Error).message)).toEqual(messages);
    expect(server.abortedStreams).toBe(0);
  });

  it("notices that a stream is aborted by its signal", async () => {
    const text = "It is on its way.";
    const model = await aiSdk(() => ({ type: "text", text }), { chunkDelayMs: 60_000 });
    const controller = new AbortController();
    const types: string[] = [];

    const { fullStream } = streamText({ model, prompt: "Go", abortSignal: controller.signal });
    for await (const { type } of fullStream) {
      types.push(type);
      if (type === "text-delta") controller.abort();
    }

    expect(types.at(-1)).toBe("abort");
    await expect.poll(() => server.abortedStreams).toBe(1);
  });
});
