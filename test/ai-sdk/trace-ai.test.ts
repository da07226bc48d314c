import { types } from "node:util";

import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { traceAI } from "@waybill/ai-sdk";
import * as ai from "ai";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import { startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let scripted: ScriptedOpenAI;
beforeEach(async () => {
  scripted = await startOpenAI(({ toolResultsSinceUser }) =>
    toolResultsSinceUser > 0
      ? { type: "text", text: "It is on its way." }
      : { type: "tool-calls", calls: [{ name: "look_up", arguments: { order: "A-1" } }] },
  );
});
afterEach(() => scripted.server.close());

function call() {
  return {
    model: scripted.openai("gpt-5"),
    prompt: "Where is A-1?",
    tools: {
      look_up: ai.tool({
        inputSchema: z.object({ order: z.string() }),
        execute: async ({ order }) => ({ order, state: "sent" }),
      }),
    },
    stopWhen: ai.isStepCount(2),
  };
}

describe("traceAI", () => {
  it("gives all that the module has, and leaves the module as it is", () => {
    const { generateText, streamText } = ai;
    const traced = traceAI(ai);

    expect(Object.keys(traced).toSorted()).toEqual(Object.keys(ai).toSorted());
    expect(traced.generateText).not.toBe(generateText);
    expect(traced.streamText).not.toBe(streamText);
    expect(traced.embed).toBe(ai.embed);
    expect(ai.generateText).toBe(generateText);
  });

  it("takes a part of the module too", () => {
    const { generateText } = ai;

    expect(Object.keys(traceAI({ generateText }))).toEqual(["generateText"]);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a string", "ai"],
    ["an object without its functions", { default: ai }],
  ])("refuses %s as a module", (_name, module) => {
    expect(() => traceAI(module as never)).toThrow(
      new TypeError(
        "traceAI: the first argument is no `ai` module: it has neither `generateText` nor " +
          '`streamText`; give it `import * as ai from "ai"`',
      ),
    );
  });

  it.each([
    [{ capture: true }, /unknown option `capture`/],
    [{ captureContent: "all" }, /option `captureContent` must be .*, got "all"/],
    [{ captureContent: { prompts: true } }, /`captureContent`.* unknown option `prompts`/],
    ["all", /the options must be an object, got "all"/],
  ])("refuses the options %j by name", (options, message) => {
    expect(() => traceAI(ai, options as never)).toThrow(TypeError);
    expect(() => traceAI(ai, options as never)).toThrow(message);
  });
});

describe("with no SDK registered", () => {
  it("results are the same, and those of the AI SDK itself", async () => {
    const { generateText, streamText } = traceAI(ai, { captureContent: true });

    const result = streamText(call());
    expect(await result.text).toBe("It is on its way.");
    expect(types.isProxy(result)).toBe(false);
    expect((await generateText(call())).text).toBe("It is on its way.");
  });

  it("the AI SDK gets the very options, so nothing is wrapped or serialised", async () => {
    const options = call();
    const [generating, streaming, ...results] = await passThrough(options);

    expect(generating).toBe(options);
    expect(streaming).toBe(options);
    expect(results).toEqual(["generated", "streamed"]);
  });
});

describe("with a trace that is not sampled", () => {
  it("results are the same, nothing is recorded or wrapped, and no span is left open", async () => {
    const shouldSample = vi.fn(() => ({ decision: SamplingDecision.NOT_RECORD }));
    const recording = startRecording({ sampler: { shouldSample, toString: () => "never" } });
    const { generateText, streamText } = traceAI(ai, { captureContent: true });

    expect((await generateText(call())).text).toBe("It is on its way.");
    expect(await streamText(call()).text).toBe("It is on its way.");
    expect(shouldSample).toHaveBeenCalledTimes(2);
    const options = call();
    expect((await passThrough(options)).filter((given) => given === options)).toHaveLength(2);
    expect(recording.spans()).toEqual([]);
    await recording.stop();
  });
});

/** What functions of the AI SDK are given and give when they are traced, if they do nothing themselves. */
async function passThrough(options: object): Promise<unknown[]> {
  const functions = {
    generateText: vi.fn((_options: object) => Promise.resolve("generated")),
    streamText: vi.fn((_options: object) => "streamed"),
  };
  const traced = traceAI(functions, { captureContent: true });
  const results = [await traced.generateText(options), traced.streamText(options)];
  return [...Object.values(functions).map(({ mock }) => mock.calls[0]?.[0]), ...results];
}

describe("a call that switched its telemetry off", () => {
  it("is not traced", async () => {
    const recording = startRecording();
    const { generateText, streamText } = traceAI(ai);
    const telemetry = { isEnabled: false };

    await generateText({ ...call(), telemetry });
    await streamText({ ...call(), telemetry }).consumeStream();
    expect(recording.spans()).toEqual([]);
    await recording.stop();
  });
});

it("keeps the types of the module, with their type parameters", async () => {
  const traced = traceAI(ai);
  expectTypeOf(traced).toEqualTypeOf<typeof ai>();
  expectTypeOf(traced.generateText).toEqualTypeOf<typeof ai.generateText>();

  const { toolResults } = await traced.generateText(call());
  for (const result of toolResults) {
    if (result.dynamic !== true) {
      expectTypeOf(result.output).toEqualTypeOf<{ order: string; state: string }>();
    }
  }
  const streamed = traced.streamText({
    ...call(),
    output: ai.Output.object({ schema: z.object({ total: z.number() }) }),
  });
  expectTypeOf(streamed.output).resolves.toEqualTypeOf<{ total: number }>();
});
