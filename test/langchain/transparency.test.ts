import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda } from "@langchain/core/runnables";
import { diag } from "@opentelemetry/api";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
let scripted: ScriptedOpenAI;
beforeEach(async () => {
  recording = startRecording();
  handler = new TraceCallbackHandler({ captureContent: true });
  scripted = await startOpenAI(callsTools(["look_up"], { input: { order: "A-1" } }));
});
afterEach(async () => {
  await recording.stop();
  await scripted.server.close();
});

type Call = (callbacks: TraceCallbackHandler[]) => Promise<unknown>;

/** What a call gives, as text, without the ids that are new each time. */
async function resultOf(call: Call, ...callbacks: TraceCallbackHandler[]): Promise<string> {
  return JSON.stringify(await call(callbacks))
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "uuid")
    .replaceAll(/(chatcmpl-|call_)\d+/g, "$1n");
}

const CHAIN_INPUT = { order: "A-1" };
function chain() {
  return ChatPromptTemplate.fromMessages([["human", "Where is {order}?"]])
    .pipe(scripted.model())
    .pipe(new StringOutputParser());
}
function agent() {
  const lookUp = tool(({ order }) => ({ order, state: "sent" }), {
    name: "look_up",
    schema: z.object({ order: z.string() }),
  });
  return createAgent({ name: "desk", model: scripted.model(), tools: [lookUp] });
}

describe("a result", () => {
  it.each<[string, Call]>([
    ["a model", (callbacks) => scripted.model().invoke("Hi", { callbacks })],
    [
      "a model's stream",
      async (callbacks) => Array.fromAsync(await scripted.model().stream("Hi", { callbacks })),
    ],
    ["a chain", (callbacks) => chain().invoke(CHAIN_INPUT, { callbacks })],
    ["a batch", (callbacks) => chain().batch([CHAIN_INPUT, CHAIN_INPUT], { callbacks })],
    ["an agent", (callbacks) => agent().invoke({ messages: "Go" }, { callbacks })],
    [
      "an agent's stream of messages",
      async (callbacks) =>
        Array.fromAsync(
          await agent().stream({ messages: "Go" }, { callbacks, streamMode: "messages" }),
          ([{ type, content }]) => [type, content],
        ),
    ],
    [
      "an agent's stream of updates",
      async (callbacks) =>
        Array.fromAsync<unknown>(
          await agent().stream({ messages: "Go" }, { callbacks, streamMode: "updates" }),
        ),
    ],
  ])("of %s is as without the handler", async (_kind, call) => {
    const without = await resultOf(call);

    expect(recording.spans()).toEqual([]);
    expect(await resultOf(call, handler)).toBe(without);
    expect(recording.spans().length).toBeGreaterThan(0);
  });

  it("is the very object that the application's code returned", async () => {
    const result = { state: "sent" };
    const work = tool(() => result, { name: "work", schema: z.object({}) });

    expect(await work.invoke({}, { callbacks: [handler] })).toBe(result);
    expect(spanTree(recording.spans())).toBe("\nexecute_tool work\n");
  });
});

describe("an error", () => {
  const error = Object.assign(new RangeError("no such order"), { order: "A-1" });
  const failing = () => {
    throw error;
  };

  it.each([
    ["a zod schema", z.object({})],
    ["a JSON schema", { type: "object", properties: {} } as const],
  ])("of a tool with %s reaches the caller as the same object", async (_kind, schema) => {
    const work = tool(failing, { name: "work", schema });

    const caught = await work
      .invoke({}, { callbacks: [handler] })
      .catch((thrown: unknown) => thrown);
    expect(caught).toBe(error);
    expect(spanTree(recording.spans())).toBe("\nexecute_tool work error: RangeError\n");
  });

  it("of a chain reaches the caller as the same object, and is told where it came from", async () => {
    const steps = RunnableLambda.from((text: string) => text).pipe(
      RunnableLambda.from(failing).withConfig({ runName: "failing" }),
    );

    const caught = await steps
      .invoke("x", { callbacks: [handler] })
      .catch((thrown: unknown) => thrown);
    expect(caught).toBe(error);
    expect(spanTree(recording.spans())).toBe(`
RunnableSequence error: RangeError
  failing error: RangeError
`);
    const told = recording.spans().map(({ events }) => events.map(({ name }) => name));
    expect(told).toEqual([[], ["exception"]]);
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "broken"],
  ])("that is %s reaches the caller", async (_kind, thrown) => {
    const work = RunnableLambda.from(() => Promise.reject(thrown)).withConfig({ runName: "work" });

    await expect(work.invoke("x", { callbacks: [handler] })).rejects.toBe(thrown);
    expect(spanTree(recording.spans())).toBe("\nwork error: _OTHER\n");
  });

  it("that cannot be read reaches the caller, and leaves no span open", async () => {
    const warn = vi.spyOn(diag, "warn").mockImplementation(() => {});
    const unreadable = Object.defineProperty(new Error("x"), "name", {
      get() {
        throw new TypeError("unreadable");
      },
    });
    const work = RunnableLambda.from(() => Promise.reject(unreadable)).withConfig({
      runName: "work",
    });

    const caught = await work
      .invoke("x", { callbacks: [handler] })
      .catch((thrown: unknown) => thrown);
    expect(caught).toBe(unreadable);
    expect(recording.endings()).toEqual(["work"]);
    expect(recording.open()).toBe(0);
    expect(warn).toHaveBeenCalled();
    warn.mockRestore();
  });
});

it("leaves the caller's configuration as it was", async () => {
  const config = Object.freeze({ callbacks: Object.freeze([handler]) as never, tags: ["a"] });

  await chain().invoke(CHAIN_INPUT, config);
  expect(config).toEqual({ callbacks: [handler], tags: ["a"] });
  expect(spanTree(recording.spans())).toBe("\nRunnableSequence\n  chat gpt-5\n");
});
