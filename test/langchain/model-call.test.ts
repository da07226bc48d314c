import { InMemoryCache } from "@langchain/core/caches";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage } from "@langchain/core/messages";
import type { AIMessageFields } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { FakeLLM } from "@langchain/core/utils/testing";
import { OpenAI } from "@langchain/openai";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { TraceCallbackHandler } from "@waybill/langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { always, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(() => recording.stop());

/** The one span there is. */
function onlySpan(): ReadableSpan {
  const [span, ...others] = recording.spans();
  if (span === undefined || others.length > 0) throw new Error(spanTree(recording.spans()));
  return span;
}

describe.each([
  ["chat completions", {}, "chatcmpl-1"],
  ["responses", { useResponsesApi: true }, "resp_1"],
] as const)("a model call by OpenAI's %s", (_protocol, fields, responseId) => {
  let scripted: ScriptedOpenAI;
  beforeEach(async () => {
    const usage = { inputTokens: 95, outputTokens: 8, cachedInputTokens: 64, reasoningTokens: 4 };
    scripted = await startOpenAI(always({ type: "text", text: "It is on its way.", usage }));
  });
  afterEach(() => scripted.server.close());

  const ANSWERED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.response.model": "gpt-5",
    "gen_ai.response.id": responseId,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 95,
    "gen_ai.usage.output_tokens": 8,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.reasoning.output_tokens": 4,
  };

  it("tells who answered, why it ended and what it used", async () => {
    await scripted.model(fields).invoke("Where is it?", { callbacks: [handler] });

    expect(spanTree(recording.spans(), { kinds: true })).toBe("\nchat gpt-5 (CLIENT)\n");
    expect(onlySpan().attributes).toEqual(ANSWERED);
  });

  it("tells the same of a stream, and the time to its first chunk", async () => {
    const stream = await scripted.model(fields).stream("Where is it?", { callbacks: [handler] });

    expect((await Array.fromAsync(stream, ({ text }) => text)).join("")).toBe("It is on its way.");
    expect(spanTree(recording.spans(), { kinds: true })).toBe("\nchat gpt-5 (CLIENT)\n");
    expect(onlySpan().attributes).toEqual({
      ...ANSWERED,
      "gen_ai.request.stream": true,
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
    });
  });

  it("tells its parameters", async () => {
    const model = scripted.model({
      ...fields,
      model: "gpt-4.1",
      temperature: 0.5,
      topP: 0.9,
      maxTokens: 100,
    });

    await model.invoke("Where is it?", { callbacks: [handler] });
    expect(onlySpan().attributes).toMatchObject({
      "gen_ai.request.model": "gpt-4.1",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.top_p": 0.9,
      "gen_ai.request.max_tokens": 100,
    });
  });

  it("never tells its key", async () => {
    const everything = new TraceCallbackHandler({ captureContent: true, spans: "all" });

    await scripted.model(fields).invoke("Where is it?", { callbacks: [everything] });
    const { attributes, events } = onlySpan();
    expect(attributes).toHaveProperty(["gen_ai.input.messages"]);
    expect(JSON.stringify([attributes, events])).not.toContain("sk-secret");
  });
});

it("tells further parameters that only some protocols have", async () => {
  const scripted = await startOpenAI(always({ type: "text", text: "{}" }));
  const model = scripted.model({ frequencyPenalty: 0.1, presencePenalty: 0.2, stop: ["END"] });

  await model.invoke("Hi", {
    callbacks: [handler],
    seed: 7,
    response_format: { type: "json_object" },
  });
  await scripted.server.close();
  expect(onlySpan().attributes).toMatchObject({
    "gen_ai.request.frequency_penalty": 0.1,
    "gen_ai.request.presence_penalty": 0.2,
    "gen_ai.request.stop_sequences": ["END"],
    "gen_ai.request.seed": 7,
    "gen_ai.output.type": "json",
  });
});

/** What a provider's package makes of an answer that the model server cannot give. */
interface FakeAnswer {
  readonly messages?: readonly object[];
  readonly llmOutput?: Record<string, unknown>;
  readonly provider?: string;
}

class FakeProvider extends BaseChatModel {
  readonly #answer: FakeAnswer;

  constructor(answer: FakeAnswer, fields: { readonly cache?: InMemoryCache } = {}) {
    super(fields);
    this.#answer = answer;
  }

  override _llmType(): string {
    return "fake";
  }

  override getLsParams(...given: Parameters<BaseChatModel["getLsParams"]>) {
    const { provider } = this.#answer;
    return { ...super.getLsParams(...given), ...(provider && { ls_provider: provider }) };
  }

  override async _generate(): Promise<ChatResult> {
    const { messages = [{ content: "Hi." }], llmOutput } = this.#answer;
    return {
      generations: messages.map((fields) => ({
        text: "Hi.",
        message: new AIMessage(fields as AIMessageFields),
      })),
      ...(llmOutput && { llmOutput }),
    };
  }
}

async function attributesOf(answer: FakeAnswer) {
  await new FakeProvider(answer).invoke("Hi", { callbacks: [handler] });
  return onlySpan().attributes;
}

describe("a provider", () => {
  it.each([
    ["openai", "openai"],
    ["anthropic", "anthropic"],
    ["azure", "azure.ai.openai"],
    ["amazon_bedrock", "aws.bedrock"],
    ["google_genai", "gcp.gemini"],
    ["google_vertexai", "gcp.vertex_ai"],
    ["mistral", "mistral_ai"],
    ["xai", "x_ai"],
    ["Acme", "acme"],
  ])("that LangChain calls %s is %s", async (provider, name) => {
    expect(await attributesOf({ provider })).toMatchObject({ "gen_ai.provider.name": name });
  });
});

describe("a finish reason", () => {
  it.each([
    ["stop", "stop"],
    ["end_turn", "stop"],
    ["max_tokens", "length"],
    ["tool_use", "tool_call"],
    ["SAFETY", "content_filter"],
    ["pause_turn", "pause_turn"],
  ])("that a provider calls %s is %s", async (word, reason) => {
    const messages = [{ content: "Hi.", response_metadata: { stop_reason: word } }];

    expect(await attributesOf({ messages })).toMatchObject({
      "gen_ai.response.finish_reasons": [reason],
    });
  });
});

describe("the usage of a model call", () => {
  const own = { input_tokens: 30, output_tokens: 9, total_tokens: 39 };

  it("has the parts that a provider tells, also what it wrote to its cache", async () => {
    const usage_metadata = {
      ...own,
      input_token_details: { cache_read: 15, cache_creation: 5 },
      output_token_details: { reasoning: 4 },
    };

    expect(await attributesOf({ messages: [{ content: "Hi.", usage_metadata }] })).toMatchObject({
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 9,
      "gen_ai.usage.cache_read.input_tokens": 15,
      "gen_ai.usage.cache_creation.input_tokens": 5,
      "gen_ai.usage.reasoning.output_tokens": 4,
    });
  });

  it("is the sum over several choices", async () => {
    const message = (usage_metadata: typeof own) => ({
      content: "Hi.",
      usage_metadata,
      response_metadata: { finish_reason: "stop" },
    });

    expect(await attributesOf({ messages: [message(own), message({ ...own })] })).toMatchObject({
      "gen_ai.response.finish_reasons": ["stop", "stop"],
      "gen_ai.usage.input_tokens": 60,
      "gen_ai.usage.output_tokens": 18,
    });
  });

  it("is counted once where several choices bear that of the whole call", async () => {
    const messages = [
      { content: "Hi.", usage_metadata: own },
      { content: "Hey.", usage_metadata: own },
    ];

    expect(await attributesOf({ messages })).toMatchObject({
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 9,
    });
  });

  it.each([
    [{ tokenUsage: { promptTokens: 30, completionTokens: 9 } }],
    [{ usage: { prompt_tokens: 30, completion_tokens: 9 } }],
    [{ usage: { input_tokens: 30, output_tokens: 9 } }],
  ])("is what the provider's client says where no message does: %j", async (llmOutput) => {
    expect(await attributesOf({ llmOutput })).toMatchObject({
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 9,
    });
  });

  it.each([
    ["nothing is told", {}],
    ["no number is told", { tokenUsage: { promptTokens: Number.NaN } }],
  ])("is not estimated where %s", async (_case, llmOutput) => {
    expect(JSON.stringify(await attributesOf({ llmOutput }))).not.toContain("usage");
  });

  it("is none for an answer from LangChain's cache, which is no stream either", async () => {
    const messages = [{ content: "Hi.", usage_metadata: own }];
    const model = new FakeProvider({ messages }, { cache: new InMemoryCache() });

    await model.invoke("Hi", { callbacks: [handler] });
    await model.invoke("Hi", { callbacks: [handler] });
    const [asked, cached] = recording.spans();
    expect(asked?.attributes).toHaveProperty(["gen_ai.usage.input_tokens"], 30);
    expect(cached?.attributes).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "fakeprovider",
    });
  });
});

describe("a response's id", () => {
  it("is the provider's", async () => {
    expect(await attributesOf({ messages: [{ content: "Hi.", id: "msg_1" }] })).toMatchObject({
      "gen_ai.response.id": "msg_1",
    });
  });

  it("is none that LangChain made up", async () => {
    expect(await attributesOf({})).not.toHaveProperty(["gen_ai.response.id"]);
  });
});

describe("a completion model", () => {
  it("has a span of its own operation", async () => {
    await new FakeLLM({ response: "Hello." }).invoke("Hi", { callbacks: [handler] });

    expect(spanTree(recording.spans(), { kinds: true })).toBe("\ntext_completion (CLIENT)\n");
  });

  it("has the provider by its class", async () => {
    const model = new OpenAI({
      model: "gpt-3.5-turbo-instruct",
      apiKey: "none",
      maxRetries: 0,
      configuration: { fetch: async () => Response.json({ error: {} }, { status: 500 }) },
    });

    await expect(model.invoke("Hi", { callbacks: [handler] })).rejects.toThrow("500");
    expect(spanTree(recording.spans())).toBe(
      "\ntext_completion gpt-3.5-turbo-instruct error: 500\n",
    );
    expect(onlySpan().attributes).toMatchObject({ "gen_ai.provider.name": "openai" });
  });
});
