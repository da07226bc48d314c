import { RunnableLambda } from "@langchain/core/runnables";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { ModelScript } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { always, callsTools, hanging, SEVERAL_WORDS, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
let scripted: ScriptedOpenAI | undefined;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(async () => {
  await recording.stop();
  await scripted?.server.close();
  scripted = undefined;
});

async function model(script: ModelScript) {
  scripted = await startOpenAI(script);
  return scripted.model();
}

/** The shape of all that was recorded, once no span is open any more. */
async function tree(): Promise<string> {
  await recording.idle();
  return spanTree(recording.spans());
}

const QUESTION = { messages: "Go" };

describe("an abort", () => {
  it.each([
    ["without a reason", undefined],
    ["with an error as its reason", new Error("the user left")],
    ["with a text as its reason", "the user left"],
  ])("%s ends an agent and its model call as aborted", async (_how, reason) => {
    const { script, asked } = hanging();
    const agent = createAgent({ name: "desk", model: await model(script), tools: [] });
    const controller = new AbortController();

    const answered = agent.invoke(QUESTION, { callbacks: [handler], signal: controller.signal });
    await asked;
    controller.abort(reason);
    await expect(answered).rejects.toThrow(/abort|left/i);
    expect(await tree()).toBe(`
invoke_agent desk aborted
  chat gpt-5 aborted
`);
    expect(recording.spans().flatMap(({ events }) => events)).toEqual([]);
  });

  it("in the middle of a model's stream ends it as aborted", async () => {
    const gpt = await model(always(SEVERAL_WORDS));
    const controller = new AbortController();

    const stream = await gpt.stream("Hi", { callbacks: [handler], signal: controller.signal });
    const reading = (async () => {
      for await (const _ of stream) controller.abort();
    })();
    await expect(reading).rejects.toThrow(/abort|left/i);
    expect(await tree()).toBe("\nchat gpt-5 aborted\n");
  });

  it("inside a tool ends the tool and its agent as aborted", async () => {
    const controller = new AbortController();
    const work = tool(
      (_input, config) => {
        controller.abort();
        config.signal?.throwIfAborted();
        return "worked";
      },
      { name: "work", schema: z.object({}) },
    );
    const agent = createAgent({
      name: "desk",
      model: await model(callsTools(["work"])),
      tools: [work],
    });

    await expect(
      agent.invoke(QUESTION, { callbacks: [handler], signal: controller.signal }),
    ).rejects.toThrow(/abort|left/i);
    expect(await tree()).toBe(`
invoke_agent desk aborted
  chat gpt-5
  execute_tool work aborted
`);
  });

  it("of a chain ends what is inside it, too, though the chain ends first", async () => {
    const { script, asked } = hanging();
    const gpt = await model(script);
    const controller = new AbortController();
    const chain = RunnableLambda.from((text: string) => text).pipe(gpt);

    const answered = chain.invoke("Hi", { callbacks: [handler], signal: controller.signal });
    await asked;
    controller.abort();
    await expect(answered).rejects.toThrow(/abort|left/i);
    expect(await tree()).toBe(`
RunnableSequence aborted
  chat gpt-5 aborted
`);
  });
});

describe("a timeout", () => {
  const timedOut = (controller: AbortController): void =>
    controller.abort(new DOMException("The operation timed out", "TimeoutError"));

  it("of a run's configuration is an error of an agent and of its model call", async () => {
    const { script, asked } = hanging();
    const agent = createAgent({ name: "desk", model: await model(script), tools: [] });
    const controller = new AbortController();
    const clock = vi.spyOn(AbortSignal, "timeout").mockReturnValue(controller.signal);

    const answered = agent.invoke(QUESTION, { callbacks: [handler], timeout: 1000 });
    await asked;
    timedOut(controller);
    await expect(answered).rejects.toThrow(/abort|time/i);
    clock.mockRestore();
    expect(await tree()).toBe(`
invoke_agent desk error: TimeoutError
  chat gpt-5 error: TimeoutError
`);
  });

  it("of the caller's signal is one, too", async () => {
    const { script, asked } = hanging();
    const gpt = await model(script);
    const controller = new AbortController();

    const answered = gpt.invoke("Hi", { callbacks: [handler], signal: controller.signal });
    await asked;
    timedOut(controller);
    await expect(answered).rejects.toThrow(/abort|time/i);
    expect(await tree()).toBe("\nchat gpt-5 error: TimeoutError\n");
  });
});

describe("a reader that leaves", () => {
  it("a graph's stream leaves no span open", async () => {
    const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
      .addNode("first", () => ({ text: "first" }))
      .addNode("second", () => new Promise<{ text: string }>(() => {}))
      .addEdge(START, "first")
      .addEdge("first", "second")
      .compile({ name: "flow" });

    const stream = await graph.stream(
      { text: "" },
      { callbacks: [handler], streamMode: "updates" },
    );
    for await (const _ of stream) break;
    expect(await tree()).toBe(`
invoke_workflow flow aborted
  first
  second aborted
`);
  });

  it("an agent's stream in the middle of an answer leaves no span open", async () => {
    const agent = createAgent({
      name: "desk",
      model: await model(always(SEVERAL_WORDS)),
      tools: [],
    });

    const stream = await agent.stream(QUESTION, { callbacks: [handler], streamMode: "messages" });
    for await (const _ of stream) break;
    expect(await tree()).toBe(`
invoke_agent desk aborted
  chat gpt-5 aborted
`);
  });
});
