import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, createMiddleware, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import type { ModelTurn } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let scripted: ScriptedOpenAI;
beforeEach(async () => {
  recording = startRecording();
  scripted = await startOpenAI(planATrip);
});
afterEach(async () => {
  await recording.stop();
  await scripted.server.close();
});

function planATrip({ tools, toolResultsSinceUser }: ModelTurn) {
  if (tools.length === 0) return { type: "text" as const, text: "Mild." };
  if (toolResultsSinceUser > 0) {
    return {
      type: "text" as const,
      text: "Go to Lisbon.",
      usage: { inputTokens: 95, outputTokens: 8, cachedInputTokens: 64, reasoningTokens: 4 },
    };
  }
  return {
    type: "tool-calls" as const,
    calls: [
      { name: "weather", arguments: { city: "Lisbon" } },
      { name: "hotels", arguments: { city: "Lisbon" } },
    ],
    usage: { inputTokens: 61, outputTokens: 17 },
  };
}

function tripPlanner() {
  const schema = z.object({ city: z.string() });
  const summarizer = createAgent({
    name: "summarizer",
    model: scripted.model({ model: "gpt-5-mini" }),
    tools: [],
  });
  const weather = tool(
    async ({ city }) => {
      const { messages } = await summarizer.invoke({ messages: `The weather in ${city}?` });
      return messages.at(-1)?.text ?? "";
    },
    { name: "weather", description: "The weather in a city", schema },
  );
  const hotels = tool(
    async ({ city }): Promise<string> => {
      throw new RangeError(`${city} is full`);
    },
    { name: "hotels", description: "The hotels in a city", schema },
  );
  return createAgent({ name: "trip-planner", model: scripted.model(), tools: [weather, hotels] });
}

const QUESTION = { messages: [{ role: "user" as const, content: "Where shall I go?" }] };
const TREE = `
invoke_agent trip-planner (INTERNAL)
  chat gpt-5 (CLIENT)
  execute_tool weather (INTERNAL)
    invoke_agent summarizer (INTERNAL)
      chat gpt-5-mini (CLIENT)
  execute_tool hotels (INTERNAL) error: RangeError
  chat gpt-5 (CLIENT)
`;

describe("an agent with two tools, one of which asks another agent and one of which fails", () => {
  it("makes one tree of invoke", async () => {
    const { messages } = await tripPlanner().invoke(QUESTION, {
      callbacks: [new TraceCallbackHandler()],
    });

    expect(messages.at(-1)?.text).toBe("Go to Lisbon.");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    expect(recording.open()).toBe(0);
  });

  it.each(["values", "updates", "messages"] as const)(
    "makes the same tree of a stream of %s",
    async (streamMode) => {
      const stream = await tripPlanner().stream(QUESTION, {
        streamMode,
        callbacks: [new TraceCallbackHandler()],
      });

      expect((await Array.fromAsync<unknown>(stream)).length).toBeGreaterThan(2);
      expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
      expect(recording.open()).toBe(0);
    },
  );

  it("makes the same tree of streamEvents", async () => {
    const events = tripPlanner().streamEvents(QUESTION, {
      version: "v2",
      callbacks: [new TraceCallbackHandler()],
    });

    const names = await Array.fromAsync(events, ({ event }) => event);
    expect(names).toContain("on_tool_error");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    expect(recording.open()).toBe(0);
  });

  it("makes the same tree with the handler configured once", async () => {
    const agent = tripPlanner().withConfig({ callbacks: [new TraceCallbackHandler()] });

    await agent.invoke(QUESTION);
    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
  });

  it("tells what each model call used, and why and as what it ended", async () => {
    await tripPlanner().invoke(QUESTION, { callbacks: [new TraceCallbackHandler()] });

    const calls = recording.spans().filter(({ name }) => name === "chat gpt-5");
    const common = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.response.model": "gpt-5",
      "gen_ai.agent.name": "trip-planner",
    };
    expect(calls.map(({ attributes }) => attributes)).toEqual([
      {
        ...common,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.usage.input_tokens": 61,
        "gen_ai.usage.output_tokens": 17,
      },
      {
        ...common,
        "gen_ai.response.id": "chatcmpl-3",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 95,
        "gen_ai.usage.output_tokens": 8,
        "gen_ai.usage.cache_read.input_tokens": 64,
        "gen_ai.usage.reasoning.output_tokens": 4,
      },
    ]);
  });

  it("tells which tool was called by which of the model's calls", async () => {
    await tripPlanner().invoke(QUESTION, { callbacks: [new TraceCallbackHandler()] });

    const tools = ["weather", "hotels"].map((name) =>
      spanNamed(recording.spans(), `execute_tool ${name}`),
    );
    const common = {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.type": "function",
      "gen_ai.agent.name": "trip-planner",
    };
    expect(tools.map(({ attributes }) => attributes)).toMatchObject([
      { ...common, "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "call_1" },
      {
        ...common,
        "gen_ai.tool.name": "hotels",
        "gen_ai.tool.call.id": "call_2",
        "error.type": "RangeError",
        "waybill.outcome": "error",
      },
    ]);
  });
});

it("shows an agent's middleware by what it does, not by its hooks", async () => {
  const agent = createAgent({
    name: "careful",
    model: scripted.model(),
    middleware: [
      createMiddleware({
        name: "check",
        beforeAgent: async () => {
          await scripted.model({ model: "gpt-5-nano" }).invoke("Is it allowed?");
        },
        beforeModel: () => undefined,
        wrapModelCall: (request, handler) => handler(request),
        afterModel: () => undefined,
      }),
    ],
  });

  await agent.invoke(QUESTION, { callbacks: [new TraceCallbackHandler()] });
  expect(spanTree(recording.spans())).toBe(`
invoke_agent careful
  chat gpt-5-nano
  chat gpt-5
`);
});
