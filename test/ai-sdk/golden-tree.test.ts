import { createOpenAI } from "@ai-sdk/openai";
import { context, trace } from "@opentelemetry/api";
import { traceAI } from "@waybill/ai-sdk";
import * as ai from "ai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import type { ModelTurn } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

const { generateText, streamText } = traceAI(ai);

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
  if (toolResultsSinceUser > 0) return { type: "text" as const, text: "Go to Lisbon." };
  return {
    type: "tool-calls" as const,
    calls: [
      { name: "weather", arguments: { city: "Lisbon" } },
      { name: "hotels", arguments: { city: "Lisbon" } },
    ],
  };
}

function tripTools() {
  const inputSchema = z.object({ city: z.string() });
  return {
    weather: ai.tool({
      description: "The weather in a city",
      inputSchema,
      execute: async ({ city }) => {
        const span = trace.getTracer("weather service").startSpan("look up climate");
        span.end();
        const { text } = await generateText({
          model: scripted.openai.chat("gpt-5-mini"),
          telemetry: { functionId: "summarizer" },
          prompt: `The weather in ${city}?`,
        });
        return text;
      },
    }),
    hotels: ai.tool({
      inputSchema,
      execute: async ({ city }) => {
        trace.getActiveSpan()?.setAttribute("city", city);
        return ["Grand", "Central"];
      },
    }),
  };
}

const TREE = `
invoke_agent trip-planner (INTERNAL)
  chat gpt-5 (CLIENT)
  execute_tool weather (INTERNAL)
    look up climate (INTERNAL)
    invoke_agent summarizer (INTERNAL)
      chat gpt-5-mini (CLIENT)
  execute_tool hotels (INTERNAL)
  chat gpt-5 (CLIENT)
`;

describe.each(["responses", "chat"] as const)("an agent on OpenAI's %s", (protocol) => {
  const call = () => ({
    model: scripted.openai[protocol]("gpt-5"),
    telemetry: { functionId: "trip-planner" },
    tools: tripTools(),
    stopWhen: ai.isStepCount(3),
    prompt: "Where shall I go?",
  });

  it("makes one tree of generateText", async () => {
    const { text } = await generateText(call());

    expect(text).toBe("Go to Lisbon.");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    expect(recording.open()).toBe(0);
  });

  it("makes the same tree of streamText", async () => {
    const text = await Array.fromAsync(streamText(call()).textStream);

    expect(text.join("")).toBe("Go to Lisbon.");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    expect(recording.open()).toBe(0);
  });

  it("runs a tool's own code with its span active", async () => {
    await generateText(call());

    expect(spanNamed(recording.spans(), "execute_tool hotels").attributes).toMatchObject({
      city: "Lisbon",
      "gen_ai.tool.name": "hotels",
      "gen_ai.agent.name": "trip-planner",
    });
  });
});

it("asks the provider with the model call's span active, wherever its answer is read", async () => {
  const active: unknown[] = [];
  const note = () => active.push((trace.getActiveSpan() as { name?: string } | undefined)?.name);
  const openai = createOpenAI({
    baseURL: scripted.server.baseUrl,
    apiKey: "test",
    fetch: async (...args) => {
      note();
      return fetch(...args);
    },
  });
  const call = { model: openai("gpt-5"), prompt: "Hi" };

  await generateText(call);
  for await (const _ of streamText(call).textStream) note();
  expect([...new Set(active)]).toEqual(["chat gpt-5", undefined]);
});

it("nests what it starts itself without a context manager too", async () => {
  context.disable();
  const call = {
    model: scripted.openai("gpt-5"),
    tools: {
      hotels: tripTools().hotels,
      weather: ai.tool({ inputSchema: z.object({}), execute: () => "mild" }),
    },
    stopWhen: ai.isStepCount(3),
    prompt: "Where shall I go?",
  };

  await generateText(call);
  await streamText(call).consumeStream();
  await recording.idle();
  const tree = `
invoke_agent
  chat gpt-5
  execute_tool weather
  execute_tool hotels
  chat gpt-5
`;
  expect(spanTree(recording.spans())).toBe(tree + tree.trimStart());
});

it("never mixes a hundred calls at the same time", async () => {
  await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const call = {
        model: scripted.openai("gpt-5"),
        telemetry: { functionId: `agent-${index}` },
        tools: tripTools(),
        stopWhen: ai.isStepCount(3),
        prompt: "Where shall I go?",
      };
      if (index % 2 === 0) await generateText(call);
      else await streamText(call).consumeStream();
    }),
  );
  await recording.idle();

  const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
  expect(traces.size).toBe(100);
  for (const spans of traces.values()) {
    const agent = String(spans[0]?.name);
    expect(spanTree(spans, { kinds: true })).toBe(TREE.replace("invoke_agent trip-planner", agent));
  }
});
