import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import type { ModelReply, ModelScript } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { always, callsTools, startOpenAI } from "./scripted-openai.ts";
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

/** The events on all spans, each behind its span. */
function allEvents(): string[] {
  return recording
    .spans()
    .flatMap(({ name, events }) => events.map((event) => `${name}: ${event.name}`));
}

const QUESTION = { messages: "Go" };

describe("a tool that throws", () => {
  it("is failed with its error, and its agent, which goes on, is not", async () => {
    const work = tool(
      (): string => {
        throw Object.assign(new RangeError("no such order"), { code: "not_found" });
      },
      { name: "work", schema: z.object({}) },
    );
    const agent = createAgent({
      name: "desk",
      model: await model(callsTools(["work"])),
      tools: [work],
    });

    const { messages } = await agent.invoke(QUESTION, { callbacks: [handler] });
    expect(messages.at(-1)?.text).toBe("Done.");
    expect(await tree()).toBe(`
invoke_agent desk
  chat gpt-5
  execute_tool work error: not_found
  chat gpt-5
`);
    const { events, status } = spanNamed(recording.spans(), "execute_tool work");
    expect(status.message).toBe("no such order");
    expect(events.map(({ name, attributes }) => [name, attributes?.["exception.type"]])).toEqual([
      ["exception", "RangeError"],
    ]);
    expect(allEvents()).toHaveLength(1);
  });
});

describe("a model that fails", () => {
  const refusal = (status: 401 | 500): ModelReply => ({
    type: "error",
    status,
    code: status === 401 ? "invalid_api_key" : "server_error",
    message: "No.",
  });

  it.each([
    [401, "invalid_api_key"],
    [500, "server_error"],
  ] as const)(
    "with an HTTP status of %d fails its agent, and is told once",
    async (status, type) => {
      const agent = createAgent({
        name: "desk",
        model: await model(always(refusal(status))),
        tools: [],
      });

      await expect(agent.invoke(QUESTION, { callbacks: [handler] })).rejects.toMatchObject({
        status,
      });
      expect(await tree()).toBe(`
invoke_agent desk error: ${type}
  chat gpt-5 error: ${type}
`);
      expect(allEvents()).toEqual(["chat gpt-5: exception"]);
    },
  );

  it("in the middle of its stream has the time to its first chunk", async () => {
    const gpt = await model(always({ type: "stream-error", text: "one two", message: "broken" }));

    const stream = await gpt.stream("Hi", { callbacks: [handler] });
    await expect(Array.fromAsync(stream)).rejects.toThrow("broken");
    expect(await tree()).toBe("\nchat gpt-5 error: server_error\n");
    expect(recording.spans()[0]?.attributes).toMatchObject({
      "gen_ai.request.stream": true,
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
    });
  });

  it("may be replaced by another one, which makes a healthy chain", async () => {
    const gpt = await model(always(refusal(500)));
    const fake = new FakeListChatModel({ responses: ["Hi."] });

    await gpt.withFallbacks([fake]).invoke("Hi", { callbacks: [handler], runName: "careful" });
    expect(await tree()).toBe(`
careful
  chat gpt-5 error: server_error
  chat
`);
  });
});

describe("a run that outlives the one above it", () => {
  it("keeps its place, and so does what it starts", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const fake = new FakeListChatModel({ responses: ["Hi."] });
    const background = RunnableLambda.from(async (text: string, config) => {
      await released;
      await fake.invoke(text, config);
      return text;
    }).withConfig({ runName: "background" });
    let working: Promise<unknown> | undefined;
    const hasty = RunnableLambda.from((text: string, config) => {
      working = background.invoke(text, config);
      return text;
    });

    await hasty.invoke("x", { callbacks: [handler], runName: "hasty" });
    expect(recording.endings()).toEqual(["hasty"]);
    release();
    await working;
    expect(await tree()).toBe(`
hasty
  background
    chat
`);
  });

  it("may start after its end", async () => {
    const fake = new FakeListChatModel({ responses: ["Hi."] });
    let later: (() => Promise<unknown>) | undefined;
    const hasty = RunnableLambda.from((text: string, config) => {
      later = () => fake.invoke(text, config);
      return text;
    });
    const metadata = { thread_id: "t-1" };

    await hasty.invoke("x", { callbacks: [handler], runName: "hasty", metadata });
    await later?.();
    expect(await tree()).toBe(`
hasty
  chat
`);
    expect(spanNamed(recording.spans(), "chat").attributes["gen_ai.conversation.id"]).toBe("t-1");
  });
});
