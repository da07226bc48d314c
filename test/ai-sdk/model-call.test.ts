import { traceAI } from "@waybill/ai-sdk";
import { withIdentity } from "@waybill/core";
import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import type { MockLanguageModelV4 } from "ai/test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import type { ModelReply } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { answeringModel, USAGE } from "./mock-model.ts";
import { inTurn, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

const { generateText, streamText } = traceAI(ai);
const ANSWER: ModelReply = {
  type: "text",
  text: "It is on its way.",
  usage: { inputTokens: 100, outputTokens: 20, cachedInputTokens: 64, reasoningTokens: 8 },
};

let recording: Recording;
let scripted: ScriptedOpenAI | undefined;
beforeEach(() => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  recording = startRecording();
});
afterEach(async () => {
  await recording.stop();
  await scripted?.server.close();
  scripted = undefined;
  globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
  globalThis.AI_SDK_LOG_WARNINGS = undefined;
});

async function openai(...replies: ModelReply[]) {
  scripted = await startOpenAI(inTurn(...replies));
  return scripted.openai;
}

const attributesOf = (name: string) => spanNamed(recording.spans(), name).attributes;

describe.each(["responses", "chat"] as const)("a model call by OpenAI's %s", (protocol) => {
  const common = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.request.temperature": 0.2,
    "gen_ai.request.max_tokens": 50,
    "gen_ai.response.id": expect.stringMatching(/^(resp|chatcmpl)[_-]1$/),
    "gen_ai.response.model": "gpt-4o",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.reasoning.output_tokens": 8,
  };
  const settings = { prompt: "Where is it?", temperature: 0.2, maxOutputTokens: 50 };

  it("records the request, the response and the usage, and no content", async () => {
    const provider = await openai(ANSWER);

    await generateText({ model: provider[protocol]("gpt-4o"), ...settings });
    expect(attributesOf("chat gpt-4o")).toEqual(common);
    expect(attributesOf("invoke_agent")).toEqual({
      "gen_ai.operation.name": "invoke_agent",
      "waybill.agent.iterations": 1,
      "waybill.usage.input_tokens": 100,
      "waybill.usage.output_tokens": 20,
    });
  });

  it("does so when it streams, with the time to the first chunk", async () => {
    const provider = await openai(ANSWER);

    await streamText({ model: provider[protocol]("gpt-4o"), ...settings }).consumeStream();
    await recording.idle();
    expect(attributesOf("chat gpt-4o")).toEqual({
      ...common,
      "gen_ai.request.stream": true,
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
    });
  });

  it("adds the usage of all steps on the operation", async () => {
    const usage = { inputTokens: 10, outputTokens: 5 };
    const calls = [{ name: "look_up", arguments: {} }];
    const provider = await openai({ type: "tool-calls", calls, usage }, ANSWER);

    await generateText({
      model: provider[protocol]("gpt-4o"),
      ...settings,
      tools: { look_up: ai.tool({ inputSchema: z.object({}), execute: () => "found" }) },
      stopWhen: ai.isStepCount(2),
    });
    expect(attributesOf("invoke_agent")).toMatchObject({
      "waybill.agent.iterations": 2,
      "waybill.usage.input_tokens": 110,
      "waybill.usage.output_tokens": 25,
    });
    expect(recording.spans()[1]?.attributes["gen_ai.response.finish_reasons"]).toEqual([
      "tool_call",
    ]);
  });
});

describe("a model", () => {
  const specV2 = {
    specificationVersion: "v2",
    provider: "anthropic.messages",
    modelId: "m",
    supportedUrls: {},
    doGenerate: async () => ({
      content: [{ type: "text", text: "Hello." }],
      finishReason: "content-filter",
      usage: {
        inputTokens: 10,
        outputTokens: 9,
        totalTokens: 19,
        cachedInputTokens: 15,
        reasoningTokens: 4,
      },
      providerMetadata: { anthropic: { cacheCreationInputTokens: 5 } },
      warnings: [],
    }),
    doStream: () => Promise.reject(new Error("not streamed here")),
  };
  const specV4 = answeringModel({ provider: "anthropic.messages" });
  const specV3 = new MockLanguageModelV3({
    provider: "anthropic.messages",
    modelId: "m",
    doGenerate: async () => ({
      content: [{ type: "text", text: "Hello." }],
      finishReason: { unified: "content-filter", raw: "refusal" },
      usage: USAGE,
      warnings: [],
    }),
  });

  it.each([
    ["v4", specV4],
    ["v3", specV3],
    ["v2, where Anthropic leaves the cache out of the input", specV2],
  ])("of specification %s has its usage as inclusive totals", async (_version, model) => {
    await generateText({ model: model as ai.LanguageModel, prompt: "Hi" });

    expect(attributesOf("chat m")).toMatchObject({
      "gen_ai.provider.name": "anthropic",
      "gen_ai.response.finish_reasons": ["content_filter"],
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 9,
      "gen_ai.usage.cache_read.input_tokens": 15,
      "gen_ai.usage.cache_creation.input_tokens": 5,
      "gen_ai.usage.reasoning.output_tokens": 4,
    });
  });

  it("that says nothing of its usage has none on its span", async () => {
    const unknown = { total: undefined, noCache: undefined };
    const usage = {
      inputTokens: { ...unknown, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: Number.NaN, text: undefined, reasoning: undefined },
    };

    await generateText({ model: answeringModel({ usage }), prompt: "Hi" });
    expect(Object.keys(attributesOf("chat m")).filter((key) => key.includes("usage"))).toEqual([]);
  });

  it.each([
    ["azure.responses", "azure.ai.openai"],
    ["amazon-bedrock", "aws.bedrock"],
    ["google.generative-ai", "gcp.gemini"],
    ["google.vertex.chat", "gcp.vertex_ai"],
    ["mistral.chat", "mistral_ai"],
    ["xai.responses", "x_ai"],
    ["groq.chat", "groq"],
    ["my-own", "my-own"],
  ])("of the provider %s is recorded as %s", async (provider, name) => {
    await generateText({ model: answeringModel({ provider }), prompt: "Hi" });

    expect(attributesOf("chat m")["gen_ai.provider.name"]).toBe(name);
  });

  it("may be given by its id", async () => {
    globalThis.AI_SDK_DEFAULT_PROVIDER = await openai(ANSWER);

    const { text } = await generateText({ model: "gpt-5", prompt: "Hi" });
    expect(text).toBe("It is on its way.");
    expect(spanTree(recording.spans())).toBe("\ninvoke_agent\n  chat gpt-5\n");
  });

  it("by an id that is unknown fails as without us", async () => {
    const unknown = {
      languageModel: () => {
        throw new RangeError("no such model");
      },
    };
    globalThis.AI_SDK_DEFAULT_PROVIDER = unknown as never;

    await expect(generateText({ model: "gpt-5", prompt: "Hi" })).rejects.toThrow("no such model");
    expect(() => streamText({ model: "gpt-5", prompt: "Hi" })).toThrow("no such model");
    expect(recording.open()).toBe(0);
  });

  it("that prepareStep brings in is traced too", async () => {
    const provider = await openai(ANSWER);
    const call = {
      model: provider("gpt-5"),
      prompt: "Hi",
      prepareStep: async () => ({ model: provider("gpt-5-mini") }),
    };

    await generateText(call);
    await streamText({ ...call, prepareStep: () => ({ model: provider("o3") }) }).consumeStream();
    await recording.idle();
    expect(spanTree(recording.spans())).toBe(
      "\ninvoke_agent\n  chat gpt-5-mini\ninvoke_agent\n  chat o3\n",
    );
  });

  it("that keeps its state in private members works", async () => {
    class Model {
      readonly specificationVersion = "v4";
      readonly #inner = answeringModel({});
      get provider() {
        return this.#inner.provider;
      }
      get modelId() {
        return this.#inner.modelId;
      }
      get supportedUrls() {
        return this.#inner.supportedUrls;
      }
      doGenerate(...[options]: Parameters<MockLanguageModelV4["doGenerate"]>) {
        return this.#inner.doGenerate(options);
      }
      doStream(...[options]: Parameters<MockLanguageModelV4["doStream"]>) {
        return this.#inner.doStream(options);
      }
    }

    const { text } = await generateText({ model: new Model(), prompt: "Hi" });
    expect(text).toBe("Hello.");
  });
});

it("carries the identity to every span", async () => {
  const provider = await openai(ANSWER);

  await withIdentity({ userId: "ada", conversationId: "c-1" }, () =>
    generateText({
      model: provider("gpt-5"),
      prompt: "Hi",
      experimental_telemetry: { functionId: "helper" },
    }),
  );
  for (const { attributes } of recording.spans()) {
    expect(attributes).toMatchObject({
      "user.id": "ada",
      "gen_ai.conversation.id": "c-1",
      "gen_ai.agent.name": "helper",
    });
  }
});
