import type { BaseMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import {
  Annotation,
  END,
  entrypoint,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
  task,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let scripted: ScriptedOpenAI;
let handler: TraceCallbackHandler;
beforeEach(async () => {
  recording = startRecording();
  scripted = await startOpenAI(({ tools, ...turn }) =>
    tools.includes("work")
      ? callsTools(["work"])({ tools, ...turn })
      : { type: "text", text: "Done." },
  );
  handler = new TraceCallbackHandler();
});
afterEach(async () => {
  await recording.stop();
  await scripted.server.close();
});

const Text = Annotation.Root({ text: Annotation<string> });
const QUESTION = { messages: [{ role: "user", content: "Go" }] } as unknown as {
  messages: BaseMessage[];
};

function work() {
  return tool(() => "worked", { name: "work", description: "Works", schema: z.object({}) });
}

describe("a graph with a subgraph and a conditional edge", () => {
  const polish = RunnableLambda.from((text: string) => text.trim()).withConfig({
    runName: "polish",
  });
  const review = new StateGraph(Text)
    .addNode("read", async ({ text }, config) => ({ text: await polish.invoke(text, config) }))
    .addEdge(START, "read")
    .addEdge("read", END)
    .compile({ name: "review" });
  const article = () =>
    new StateGraph(Text)
      .addNode("draft", async ({ text }) => {
        const message = await scripted.model().invoke(text);
        return { text: message.text };
      })
      .addNode("check", review)
      .addNode("discard", () => ({ text: "" }))
      .addEdge(START, "draft")
      .addConditionalEdges("draft", ({ text }) => (text === "" ? "discard" : "check"))
      .addEdge("check", END)
      .addEdge("discard", END)
      .compile({ name: "article" });
  const TREE = `
invoke_workflow article (INTERNAL)
  draft (INTERNAL)
    chat gpt-5 (CLIENT)
  check (INTERNAL)
    invoke_workflow review (INTERNAL)
      read (INTERNAL)
        polish (INTERNAL)
`;

  it("makes one tree of its nodes and what they do", async () => {
    expect(await article().invoke({ text: "Write" }, { callbacks: [handler] })).toEqual({
      text: "Done.",
    });

    expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    expect(recording.open()).toBe(0);
  });

  it.each(["values", "updates", "messages", "debug"] as const)(
    "makes the same tree of a stream of %s",
    async (streamMode) => {
      const stream = await article().stream(
        { text: "Write" },
        { streamMode, callbacks: [handler] },
      );

      expect((await Array.fromAsync<unknown>(stream)).length).toBeGreaterThan(0);
      expect(spanTree(recording.spans(), { kinds: true })).toBe(TREE);
    },
  );

  it("tells of a node in which step it ran, and of a graph its name", async () => {
    await article().invoke({ text: "Write" }, { callbacks: [handler] });

    expect(spanNamed(recording.spans(), "check").attributes).toEqual({
      "waybill.langgraph.node": "check",
      "waybill.langgraph.step": 2,
    });
    expect(spanNamed(recording.spans(), "polish").attributes).toEqual({});
    expect(spanNamed(recording.spans(), "invoke_workflow review").attributes).toEqual({
      "gen_ai.operation.name": "invoke_workflow",
      "gen_ai.workflow.name": "review",
    });
  });

  it("shows LangGraph's own runs too with all spans asked for", async () => {
    const callbacks = [new TraceCallbackHandler({ spans: "all" })];

    await review.invoke({ text: "Write" }, { callbacks });
    expect(spanTree(recording.spans())).toBe(`
invoke_workflow review
  __start__
  read
    polish
`);
  });
});

it("has no name of its own if nobody named it", async () => {
  const graph = new StateGraph(Text)
    .addNode("only", () => ({ text: "" }))
    .addEdge(START, "only")
    .compile();

  await graph.invoke({ text: "x" }, { callbacks: [handler] });
  expect(spanTree(recording.spans())).toBe("\ninvoke_workflow\n  only\n");
});

it("shows nodes that run at the same time side by side", async () => {
  const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
    .addNode("each", async (_state, config) => {
      await scripted.model().invoke("Hi", config);
      return {};
    })
    .addConditionalEdges(START, () => [
      new Send("each", { text: "a" }),
      new Send("each", { text: "b" }),
    ])
    .compile({ name: "fan" });

  await graph.invoke({ text: "x" }, { callbacks: [handler] });
  expect(spanTree(recording.spans())).toBe(`
invoke_workflow fan
  each
    chat gpt-5
  each
    chat gpt-5
`);
});

it("shows a workflow that is a function with its tasks", async () => {
  const double = task("double", async (value: number) => 2 * value);
  const workflow = entrypoint("sum", async (value: number) => {
    const doubled = await Promise.all([double(value), double(value + 1)]);
    return doubled[0] + doubled[1];
  });

  expect(await workflow.invoke(1, { callbacks: [handler] })).toBe(6);
  expect(spanTree(recording.spans())).toBe(`
invoke_workflow sum
  sum
  double
  double
`);
});

describe("an agent that is a user's own graph", () => {
  it("keeps its nodes, whatever they are called", async () => {
    const react = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await scripted.model().bindTools([work()]).invoke(messages)],
      }))
      .addNode("tools", new ToolNode([work()]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ name: "react" });

    await react.invoke(QUESTION, { callbacks: [handler] });
    expect(spanTree(recording.spans())).toBe(`
invoke_workflow react
  agent
    chat gpt-5
  tools
    execute_tool work
  agent
    chat gpt-5
`);
  });
});

describe("an agent inside a graph", () => {
  const agent = () => createAgent({ name: "worker", model: scripted.model(), tools: [work()] });
  const AGENT = `
    invoke_agent worker
      chat gpt-5
      execute_tool work
      chat gpt-5
`;

  it("that a node calls is shown as an agent", async () => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("delegate", async ({ messages }) => {
        const { messages: answers } = await agent().invoke({ messages });
        return { messages: answers.slice(-1) };
      })
      .addEdge(START, "delegate")
      .compile({ name: "supervisor" });

    await graph.invoke(QUESTION, { callbacks: [handler] });
    expect(spanTree(recording.spans())).toBe(`
invoke_workflow supervisor
  delegate${AGENT}`);
  });

  it("whose graph is a node is shown as an agent", async () => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("delegate", agent().graph)
      .addEdge(START, "delegate")
      .compile({ name: "supervisor" });

    await graph.invoke(QUESTION, { callbacks: [handler] });
    expect(spanTree(recording.spans())).toBe(`
invoke_workflow supervisor
  delegate${AGENT}`);
  });
});

describe("what a tool of an agent calls", () => {
  async function treeOf(useTool: () => Promise<unknown>): Promise<string> {
    const working = tool(
      async () => {
        await useTool();
        return "worked";
      },
      { name: "work", description: "Works", schema: z.object({}) },
    );
    const agent = createAgent({ name: "outer", model: scripted.model(), tools: [working] });
    await agent.invoke(QUESTION, { callbacks: [handler] });
    return spanTree(recording.spans());
  }

  it("stands below the tool: an agent without a name", async () => {
    const inner = createAgent({ model: scripted.model({ model: "gpt-5-mini" }), tools: [] });

    expect(await treeOf(() => inner.invoke(QUESTION))).toBe(`
invoke_agent outer
  chat gpt-5
  execute_tool work
    invoke_agent
      chat gpt-5-mini
  chat gpt-5
`);
  });

  it("stands below the tool: an agent of the same name", async () => {
    const inner = createAgent({ name: "outer", model: scripted.model(), tools: [] });

    expect(await treeOf(() => inner.invoke(QUESTION))).toBe(`
invoke_agent outer
  chat gpt-5
  execute_tool work
    invoke_agent outer
      chat gpt-5
  chat gpt-5
`);
  });

  it("stands below the tool: a graph, and a chain with a name", async () => {
    const chain = RunnableLambda.from((text: string) => text).withConfig({ runName: "look up" });
    const graph = new StateGraph(Text)
      .addNode("find", async ({ text }) => ({ text: await chain.invoke(text) }))
      .addEdge(START, "find")
      .compile({ name: "search" });

    expect(
      await treeOf(async () => {
        await chain.invoke("x");
        await graph.invoke({ text: "x" });
      }),
    ).toBe(`
invoke_agent outer
  chat gpt-5
  execute_tool work
    look up
    invoke_workflow search
      find
        look up
  chat gpt-5
`);
  });

  it("stands below the tool: another tool", async () => {
    expect(await treeOf(() => work().invoke({}))).toBe(`
invoke_agent outer
  chat gpt-5
  execute_tool work
    execute_tool work
  chat gpt-5
`);
  });
});
