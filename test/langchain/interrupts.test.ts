import {
  Annotation,
  Command,
  END,
  interrupt,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { ToolCallingModel } from "./fake-model.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(() => recording.stop());

/** The shape of all that was recorded, once no span is open any more. */
async function tree(): Promise<string> {
  await recording.idle();
  return spanTree(recording.spans());
}

/** The events on all spans, each behind its span. */
function allEvents(): string[] {
  return recording
    .spans()
    .flatMap(({ name, events }) => events.map((event) => `${name}: ${event.name}`));
}

const Text = Annotation.Root({ text: Annotation<string> });

describe("an interrupt", () => {
  const INTERRUPT = "waybill.langgraph.interrupt";

  it("of a node is no error, and is told on the node that asks", async () => {
    const graph = new StateGraph(Text)
      .addNode("ask", () => ({ text: interrupt<string, string>("secret question?") }))
      .addEdge(START, "ask")
      .addEdge("ask", END)
      .compile({ name: "flow", checkpointer: new MemorySaver() });
    const config = { callbacks: [handler], configurable: { thread_id: "t-1" } };

    await graph.invoke({ text: "" }, config);
    const answer = await graph.invoke(new Command({ resume: "yes" }), config);
    expect(answer).toEqual({ text: "yes" });
    expect(await tree()).toBe(`
invoke_workflow flow
  ask
invoke_workflow flow
  ask
`);
    const events = recording.spans().map((span) => span.events.map(({ name }) => name));
    expect(events).toEqual([[], [INTERRUPT], [], []]);
    expect(recording.spans()[1]?.events[0]?.attributes).toEqual({
      "waybill.langgraph.interrupt.id": expect.any(String),
    });
  });

  it("of an agent's tool is no error, and is told on the tool", async () => {
    const work = tool(() => interrupt<string, string>("May I?"), {
      name: "work",
      schema: z.object({}),
    });
    const agent = createAgent({
      name: "desk",
      model: new ToolCallingModel("work"),
      tools: [work],
      checkpointer: new MemorySaver(),
    });
    const config = { callbacks: [handler], configurable: { thread_id: "t-1" } };

    await agent.invoke({ messages: "Go" }, config);
    const { messages } = await agent.invoke(new Command({ resume: "yes" }), config);
    expect(messages.at(-1)?.text).toBe("Done.");
    expect(await tree()).toBe(`
invoke_agent desk
  chat
  execute_tool work
invoke_agent desk
  execute_tool work
  chat
`);
    expect(allEvents()).toEqual([`execute_tool work: ${INTERRUPT}`]);
  });

  it("of a graph within a graph is told once", async () => {
    const inner = new StateGraph(Text)
      .addNode("ask", () => ({ text: interrupt<string, string>("May I?") }))
      .addEdge(START, "ask")
      .compile({ name: "inner" });
    const outer = new StateGraph(Text)
      .addNode("delegate", inner)
      .addEdge(START, "delegate")
      .compile({ name: "outer", checkpointer: new MemorySaver() });

    await outer.invoke({ text: "" }, { callbacks: [handler], configurable: { thread_id: "t-1" } });
    expect(await tree()).toBe(`
invoke_workflow outer
  delegate
    invoke_workflow inner
      ask
`);
    expect(allEvents()).toEqual([`ask: ${INTERRUPT}`]);
  });
});

it("a command for the graph above is no error", async () => {
  const inner = new StateGraph(Text)
    .addNode("leave", () => new Command({ graph: Command.PARENT, goto: "next" }), { ends: [] })
    .addEdge(START, "leave")
    .compile({ name: "inner" });
  const outer = new StateGraph(Text)
    .addNode("delegate", inner, { ends: ["next"] })
    .addNode("next", () => ({ text: "done" }))
    .addEdge(START, "delegate")
    .compile({ name: "outer" });

  expect(await outer.invoke({ text: "" }, { callbacks: [handler] })).toEqual({ text: "done" });
  expect(await tree()).toBe(`
invoke_workflow outer
  delegate
    invoke_workflow inner
      leave
  next
`);
  expect(allEvents()).toEqual([]);
});
