import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { BaseRetriever } from "@langchain/core/retrievers";
import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel, FakeLLM } from "@langchain/core/utils/testing";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { trace } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, createMiddleware, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { query } from "./database.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(() => recording.stop());

const WORK = { name: "work", description: "Works", schema: z.object({ city: z.string() }) };

class AskingModel extends SimpleChatModel {
  override _llmType(): string {
    return "asking";
  }

  override _call(): Promise<string> {
    return query();
  }

  override async *_streamResponseChunks() {
    const text = await query();
    yield new ChatGenerationChunk({ text, message: new AIMessageChunk(text) });
  }
}

class AskingRetriever extends BaseRetriever {
  lc_namespace = ["test"];
  override async _getRelevantDocuments() {
    await query();
    return [];
  }
}

describe("the code inside other runs", () => {
  it("of a model sees the model's span", async () => {
    const model = new AskingModel({});

    await model.invoke("Hi", { callbacks: [handler] });
    await Array.fromAsync(await model.stream("Hi", { callbacks: [handler] }));
    const one = "chat\n  SELECT before\n  SELECT after\n";
    expect(spanTree(recording.spans())).toBe(`\n${one}${one}`);
  });

  it("of a completion model sees the model's span", async () => {
    const model = new (class extends FakeLLM {
      override _call(): Promise<string> {
        return query();
      }
    })({});

    await model.invoke("Hi", { callbacks: [handler] });
    expect(spanTree(recording.spans())).toBe(
      "\ntext_completion\n  SELECT before\n  SELECT after\n",
    );
  });

  it("of a retriever sees the retriever's span", async () => {
    await new AskingRetriever().invoke("Where?", { callbacks: [handler], runName: "orders" });

    expect(spanTree(recording.spans())).toBe(
      "\nretrieval orders\n  SELECT before\n  SELECT after\n",
    );
  });

  it("of a node and of a conditional edge sees the node's span", async () => {
    const State = Annotation.Root({ text: Annotation<string> });
    const graph = new StateGraph(State)
      .addNode("first", async () => ({ text: await query() }))
      .addNode("second", async () => ({ text: await query() }))
      .addEdge(START, "first")
      .addConditionalEdges("first", async () => {
        await query();
        return "second";
      })
      .compile({ name: "flow" });

    await graph.invoke({ text: "" }, { callbacks: [handler] });
    expect(spanTree(recording.spans())).toBe(`
invoke_workflow flow
  first
    SELECT before
    SELECT after
    SELECT before
    SELECT after
  second
    SELECT before
    SELECT after
`);
  });

  it("of a chain's step without a name sees the chain's span", async () => {
    const chain = RunnableLambda.from(query).pipe(RunnableLambda.from(query));

    await chain.invoke("x", { callbacks: [handler], runName: "chain" });
    expect(spanTree(recording.spans())).toBe(`
chain
  SELECT before
  SELECT after
  SELECT before
  SELECT after
`);
  });

  it("of an agent's middleware sees the agent's span, or that of the call which it wraps", async () => {
    const scripted = await startOpenAI(callsTools(["work"], { input: { city: "Lisbon" } }));
    const mark = (name: string) => trace.getTracer("test").startSpan(name).end();
    const agent = createAgent({
      name: "careful",
      model: scripted.model(),
      tools: [tool(() => "worked", WORK)],
      middleware: [
        createMiddleware({
          name: "marks",
          beforeAgent: () => mark("beforeAgent"),
          beforeModel: () => mark("beforeModel"),
          wrapModelCall: async (request, next) => {
            mark("wrapModelCall");
            return next(request);
          },
          wrapToolCall: async (request, next) => {
            mark("wrapToolCall");
            return next(request);
          },
          afterModel: () => mark("afterModel"),
          afterAgent: () => mark("afterAgent"),
        }),
      ],
    });

    await agent.invoke({ messages: "Go" }, { callbacks: [handler] });
    await scripted.server.close();
    expect(spanTree(recording.spans())).toBe(`
invoke_agent careful
  beforeAgent
  beforeModel
  wrapModelCall
  chat gpt-5
  afterModel
  wrapToolCall
  execute_tool work
  beforeModel
  wrapModelCall
  chat gpt-5
  afterModel
  afterAgent
`);
  });
});

it("keeps the place of a span that was made by hand between two runs", async () => {
  const model = new FakeListChatModel({ responses: ["Hi."] });
  const work = tool(
    async (_input, config) =>
      withSpan("by hand", async () => {
        await model.invoke("explicitly", { callbacks: config.callbacks });
        await model.invoke("implicitly");
        return "worked";
      }),
    WORK,
  );

  await withSpan("caller", () => work.invoke({ city: "Lisbon" }, { callbacks: [handler] }));
  expect(spanTree(recording.spans())).toBe(`
caller
  execute_tool work
    by hand
      chat
      chat
`);
});

it("makes spans only, and leaves the active context alone, with `activate: off`", async () => {
  handler = new TraceCallbackHandler({ activate: "off" });
  const model = new AskingModel({});
  const chain = RunnableLambda.from((text: string, config) => model.invoke(text, config));

  await withSpan("caller", () => chain.invoke("x", { callbacks: [handler], runName: "chain" }));
  expect(spanTree(recording.spans())).toBe(`
caller
  chain
    chat
  SELECT before
  SELECT after
`);
});
