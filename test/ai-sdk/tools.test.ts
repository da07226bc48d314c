import { trace } from "@opentelemetry/api";
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

const { generateText, streamText } = traceAI(ai, { captureContent: true });
const inputSchema = z.object({ city: z.string() });

let recording: Recording;
let scripted: ScriptedOpenAI;
let calls: number;
beforeEach(async () => {
  recording = startRecording();
  calls = 1;
  scripted = await startOpenAI(({ toolResultsSinceUser }: ModelTurn) =>
    toolResultsSinceUser > 0
      ? { type: "text", text: "Done." }
      : {
          type: "tool-calls",
          calls: Array.from({ length: calls }, () => ({
            name: "work",
            arguments: { city: "Rome" },
          })),
        },
  );
});
afterEach(async () => {
  await recording.stop();
  await scripted.server.close();
});

/** Has the model call the tool, once streaming and once not, and gives what the tool's parts of the streams were. */
async function use(work: ai.ToolSet[string]) {
  const call = {
    model: scripted.openai("gpt-5"),
    prompt: "Go",
    tools: { work },
    stopWhen: ai.isStepCount(2),
  };
  const { steps } = await generateText(call);
  const parts = await Array.fromAsync(streamText(call).fullStream);
  await recording.idle();
  return { content: steps.flatMap(({ content }) => content), parts };
}

const activeSpan = () => (trace.getActiveSpan() as { readonly name?: string } | undefined)?.name;

const ONCE = `
invoke_agent
  chat gpt-5
  execute_tool work
  chat gpt-5
`;

describe("a tool", () => {
  it("that throws is failed on its span, and the operation goes on", async () => {
    const error = new RangeError("no such city");
    for (const execute of [
      (): string => {
        throw error;
      },
      (): Promise<string> => Promise.reject(error),
    ]) {
      const { content } = await use(ai.tool({ inputSchema, execute }));
      expect(content.find(({ type }) => type === "tool-error")).toMatchObject({ error });
    }

    const failed = ONCE.replace("work", "work error: RangeError").trim();
    expect(spanTree(recording.spans()).trim()).toBe([failed, failed, failed, failed].join("\n"));
    const events = recording.spans().flatMap((span) => span.events.map(({ name }) => name));
    expect(events).toEqual(Array.from({ length: 4 }, () => "exception"));
  });

  it("may give one result after the other, and works inside its span for each", async () => {
    const active: unknown[] = [];
    const work = ai.tool({
      inputSchema,
      async *execute({ city }) {
        for (const state of ["asking", "found"]) {
          active.push(activeSpan());
          yield { city, state };
        }
        active.push(activeSpan());
      },
    });

    const { parts } = await use(work);
    const results = parts.filter(({ type }) => type === "tool-result");
    expect(results.map((part) => "preliminary" in part && part.preliminary)).toEqual([
      true,
      true,
      false,
    ]);
    expect(new Set(active)).toEqual(new Set(["execute_tool work"]));
    const spans = recording.spans().filter(({ name }) => name === "execute_tool work");
    expect(spans.map(({ attributes }) => attributes["gen_ai.tool.call.result"])).toEqual(
      Array.from({ length: 2 }, () => '{"city":"Rome","state":"found"}'),
    );
  });

  it("that fails between two results is failed on its span", async () => {
    const work = ai.tool({
      inputSchema,
      async *execute() {
        yield "asking";
        throw new RangeError("no such city");
      },
    });

    await use(work);
    expect(spanTree(recording.spans())).toContain("execute_tool work error: RangeError");
  });

  it("may answer at once, by any value", async () => {
    const { content } = await use(ai.tool({ inputSchema, execute: () => 42 }));

    expect(content.find(({ type }) => type === "tool-result")).toMatchObject({ output: 42 });
    expect(spanTree(recording.spans())).toBe(`${ONCE}${ONCE.trimStart()}`);
  });

  it("called twice at the same time has a span for each call", async () => {
    calls = 2;

    await use(ai.tool({ inputSchema, execute: async ({ city }) => city }));
    const spans = recording.spans().filter(({ name }) => name === "execute_tool work");
    const ids = spans.map(({ attributes }) => attributes["gen_ai.tool.call.id"]);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(4);
  });

  it("may be an instance of a class with private members", async () => {
    class Work {
      readonly #prefix = "city: ";
      readonly inputSchema = inputSchema;
      execute({ city }: { city: string }) {
        return this.#prefix + city;
      }
      toModelOutput({ output }: { output: unknown }) {
        return { type: "text" as const, value: `${this.#prefix}${String(output)}` };
      }
    }

    const { content } = await use(new Work());
    expect(content.find(({ type }) => type === "tool-result")).toMatchObject({
      output: "city: Rome",
    });
    expect(JSON.stringify(scripted.server.requests)).toContain("city: city: Rome");
  });

  it("may inherit from another one", async () => {
    const base = ai.tool({ inputSchema, execute: async ({ city }) => `base ${city}` });

    const { content } = await use(Object.create(base) as typeof base);
    expect(content.find(({ type }) => type === "tool-result")).toMatchObject({
      output: "base Rome",
    });
  });

  it("without code of ours has no span", async () => {
    const { content } = await use(ai.tool({ inputSchema, outputSchema: z.string() }));

    expect(content.map(({ type }) => type)).toEqual(["tool-call"]);
    expect(spanTree(recording.spans())).toBe(
      "\ninvoke_agent\n  chat gpt-5\ninvoke_agent\n  chat gpt-5\n",
    );
  });

  it("gets the call's own options, with its id on the span", async () => {
    let received: unknown;
    await use(
      ai.tool({
        description: "Works",
        inputSchema,
        execute: (_input, options) => {
          received = options;
          return "done";
        },
      }),
    );

    expect(received).toMatchObject({ toolCallId: expect.any(String), messages: expect.any(Array) });
    const [span] = recording.spans().filter(({ name }) => name === "execute_tool work");
    expect(span?.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.type": "function",
      "gen_ai.tool.call.id": "call_1",
      "gen_ai.tool.description": "Works",
    });
  });
});

it("keeps what belongs to a tool set as it is", async () => {
  const seen: unknown[] = [];
  const tools = {
    work: ai.tool({ inputSchema, execute: () => "done", metadata: { source: "test" } }),
  };

  await generateText({
    model: scripted.openai("gpt-5"),
    prompt: "Go",
    tools,
    onStart: (event) => void seen.push(event.tools),
  });
  const [given] = seen as (typeof tools)[];
  expect(Object.keys(given?.work ?? {})).toEqual(Object.keys(tools.work));
  expect({ ...given?.work, execute: undefined }).toEqual({ ...tools.work, execute: undefined });
  expect(spanNamed(recording.spans(), "execute_tool work").status.code).toBe(0);
});
