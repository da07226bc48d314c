import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { context, propagation } from "@opentelemetry/api";
import { withIdentity } from "@waybill/core";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { query } from "./database.ts";
import { ToolCallingModel } from "./fake-model.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(() => recording.stop());

const MODEL = new FakeListChatModel({ responses: ["Hi."] });
/** Two hundred agents take their time on a busy machine. */
const LONG = { timeout: 60_000 };
const CONVERSATION = "gen_ai.conversation.id";

/** What each span says under this key, by the spans' names. */
function said(key: string): Record<string, unknown> {
  return Object.fromEntries(
    recording.spans().map(({ name, attributes }) => [name, attributes[key]]),
  );
}

describe("an agent", () => {
  let scripted: ScriptedOpenAI;
  beforeEach(async () => {
    scripted = await startOpenAI(callsTools(["look_up", "search"]));
  });
  afterEach(() => scripted.server.close());

  function agent() {
    const described = { description: "Looks it up", schema: z.object({}) };
    const inner = createAgent({
      name: "searcher",
      model: scripted.model({ model: "gpt-5-mini" }),
      tools: [],
    });
    return createAgent({
      name: "desk",
      model: scripted.model(),
      tools: [
        tool(query, { ...described, name: "look_up" }),
        tool(async () => String((await inner.invoke({ messages: "Go" })).messages.length), {
          ...described,
          name: "search",
        }),
      ],
    });
  }

  const TREE = `
invoke_agent desk
  chat gpt-5
  execute_tool look_up
    SELECT before
    SELECT after
  execute_tool search
    invoke_agent searcher
      chat gpt-5-mini
  chat gpt-5
`;

  it("has its user, session and configuration on every span, also on other people's", async () => {
    await withIdentity(
      { userId: "ada", sessionId: "s-1", agent: { version: "7" }, entries: { tenant: "acme" } },
      () => agent().invoke({ messages: "Go" }, { callbacks: [handler] }),
    );

    expect(spanTree(recording.spans())).toBe(TREE);
    for (const { attributes, name } of recording.spans()) {
      expect(attributes, name).toMatchObject({
        "user.id": "ada",
        "session.id": "s-1",
        tenant: "acme",
        "waybill.agent.version": "7",
      });
    }
  });

  it("has its name on its spans, and a nested agent has its own", async () => {
    await agent().invoke({ messages: "Go" }, { callbacks: [handler] });

    expect(said("gen_ai.agent.name")).toEqual({
      "invoke_agent desk": "desk",
      "chat gpt-5": "desk",
      "execute_tool look_up": "desk",
      "SELECT before": undefined,
      "SELECT after": undefined,
      "execute_tool search": "desk",
      "invoke_agent searcher": "searcher",
      "chat gpt-5-mini": "searcher",
    });
  });
});

it("never mixes two hundred runs at the same time for as many users", LONG, async () => {
  const tools = [tool(query, { name: "look_up", schema: z.object({}) })];
  const agent = createAgent({ name: "desk", model: new ToolCallingModel("look_up"), tools });
  const run = async (index: number): Promise<unknown> => {
    const config = { callbacks: [handler], configurable: { thread_id: `thread-${index}` } };
    if (index % 2 === 0) return agent.invoke({ messages: "Go" }, config);
    const streamMode = "messages" as const;
    return Array.fromAsync(await agent.stream({ messages: "Go" }, { ...config, streamMode }));
  };

  await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      withIdentity({ userId: `user-${index}` }, () => run(index)),
    ),
  );
  const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
  const identities = Array.from(traces.values(), (spans) => {
    expect(spanTree(spans)).toBe(`
invoke_agent desk
  chat
  execute_tool look_up
    SELECT before
    SELECT after
  chat
`);
    const users = spans.map(({ attributes }) => attributes["user.id"]);
    const threads = spans.flatMap(({ attributes }) => attributes[CONVERSATION] ?? []);
    return [...new Set(users), ...new Set(threads)].join();
  });
  expect(identities.toSorted()).toEqual(
    Array.from({ length: 200 }, (_, index) => `user-${index},thread-${index}`).toSorted(),
  );
});

describe("a thread_id", () => {
  class Uuid {
    toString(): string {
      return "0b5e";
    }
  }
  const chat = (configurable: object) =>
    MODEL.invoke("Hi", { callbacks: [handler], metadata: { ...configurable } });

  it.each([
    ["a string", "t-1", "t-1"],
    ["a number", 42, "42"],
    ["an object with a text of its own", new Uuid(), "0b5e"],
  ])("is the conversation's id as %s", async (_kind, thread, id) => {
    await chat({ thread_id: thread });

    expect(recording.spans()[0]?.attributes[CONVERSATION]).toBe(id);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["an empty string", ""],
    ["a plain object", { id: "t-1" }],
    ["an object without a prototype", Object.create(null) as object],
    ["a map", new Map([["id", "t-1"]])],
  ])("that is %s is none, and its run has a span all the same", async (_kind, thread) => {
    await chat({ thread_id: thread });

    expect(spanTree(recording.spans())).toBe("\nchat\n");
    expect(recording.spans()[0]?.attributes).not.toHaveProperty([CONVERSATION]);
  });

  it.each(["t-1", 42, new Uuid()])(
    "given to a graph as %s stands on its GenAI spans",
    async (id) => {
      const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
        .addNode("ask", async () => {
          await query();
          return { text: (await MODEL.invoke("Hi")).text };
        })
        .addEdge(START, "ask")
        .compile({ name: "flow" });

      await graph.invoke({ text: "" }, { callbacks: [handler], configurable: { thread_id: id } });
      expect(said(CONVERSATION)).toEqual({
        "invoke_workflow flow": String(id),
        ask: undefined,
        "SELECT before": undefined,
        "SELECT after": undefined,
        chat: String(id),
      });
    },
  );

  it("of a run within another conversation holds for that run", async () => {
    const inner = RunnableLambda.from(async (text: string, config) => {
      await MODEL.invoke(text, { ...config, runName: "inner" });
      return text;
    });
    const outer = RunnableLambda.from(async (text: string, config) => {
      await inner.invoke(text, { callbacks: config.callbacks, metadata: { thread_id: "t-2" } });
      return MODEL.invoke(text, config);
    });

    await outer.invoke("x", {
      callbacks: [handler],
      metadata: { thread_id: "t-1" },
    });
    const chats = recording.spans().filter(({ name }) => name === "chat");
    expect(chats.map(({ attributes }) => attributes[CONVERSATION])).toEqual(["t-2", "t-1"]);
  });

  it("comes before the conversation that the caller named", async () => {
    await withIdentity({ userId: "ada", conversationId: "of the caller" }, async () => {
      await chat({});
      await chat({ thread_id: "t-1" });
    });

    const ids = recording.spans().map(({ attributes }) => attributes[CONVERSATION]);
    expect(ids).toEqual(["of the caller", "t-1"]);
  });
});

it("has the caller's baggage inside a tool", async () => {
  const seen: unknown[] = [];
  const work = tool(
    async () => {
      seen.push(propagation.getActiveBaggage()?.getEntry("tenant")?.value);
      return "worked";
    },
    { name: "work", description: "Works", schema: z.object({}) },
  );
  const baggage = propagation.createBaggage({ tenant: { value: "acme" } });

  await context.with(propagation.setBaggage(context.active(), baggage), () =>
    work.invoke({}, { callbacks: [handler] }),
  );
  expect(seen).toEqual(["acme"]);
  expect(spanNamed(recording.spans(), "execute_tool work").status.code).toBe(0);
});
