import { inspect } from "node:util";

import { trace } from "@opentelemetry/api";
import { traceAI } from "@waybill/ai-sdk";
import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { ModelReply } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { settle } from "./mock-model.ts";
import { inTurn, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

const traced = traceAI(ai);
const TEXT: ModelReply = { type: "text", text: "It is on its way." };
const CALLS_TOOL: ModelReply = { type: "tool-calls", calls: [{ name: "look_up", arguments: {} }] };

let recording: Recording;
let scripted: ScriptedOpenAI | undefined;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  await recording.stop();
  await scripted?.server.close();
  scripted = undefined;
});

async function model(...replies: ModelReply[]) {
  scripted = await startOpenAI(inTurn(...replies));
  return scripted.openai("gpt-5");
}

describe("the result of streamText", () => {
  it("is returned at once, and is no promise", async () => {
    const result = traced.streamText({ model: await model(TEXT), prompt: "Hi" });

    expect("then" in result).toBe(false);
    expect(result).not.toBeInstanceOf(Promise);
    await result.consumeStream();
  });

  it("gives its promises and streams as without us", async () => {
    const result = traced.streamText({ model: await model(TEXT), prompt: "Hi" });
    const { textStream, text, finishReason, usage, ...rest } = result;

    let read = "";
    for await (const piece of textStream) read += piece;
    expect(read).toBe("It is on its way.");
    expect(await text).toBe(read);
    expect(await finishReason).toBe("stop");
    expect((await usage).inputTokens).toBeGreaterThan(0);
    expect(Object.keys(rest)).toEqual(Object.keys(result));
    expect((await result.steps).length).toBe(1);
  });

  it("looks the same to JSON, to spread and to an inspection", async () => {
    const gpt = await model(TEXT);
    const [plain, ours] = [ai, traced].map(({ streamText }) => {
      const result = streamText({ model: gpt, prompt: "Hi" });
      return {
        json: JSON.stringify(result),
        keys: Object.keys({ ...result }),
        inspected: inspect(result, { depth: 0 }),
        className: result.constructor.name,
        result,
      };
    });

    expect({ ...ours, result: undefined }).toEqual({ ...plain, result: undefined });
    await Promise.all([plain?.result.consumeStream(), ours?.result.consumeStream()]);
  });

  it("gives streams with the iterator of the AI SDK", async () => {
    const gpt = await model(TEXT);
    const [plain, ours] = [ai, traced].map(
      ({ streamText }) => streamText({ model: gpt, prompt: "Hi" }).textStream,
    );

    const code = (stream: object = {}) =>
      String(Object.getOwnPropertyDescriptor(stream, Symbol.asyncIterator)?.value);
    expect(code(ours)).toBe(code(plain));
    const texts = await Promise.all([ours, plain].map((s) => Array.fromAsync(s ?? [])));
    expect(texts[0]).toEqual(texts[1]);
  });

  it("gives responses with the status, the headers and the body of the AI SDK", async () => {
    const gpt = await model(TEXT);
    const [plain, ours] = await Promise.all(
      [ai, traced].map(async ({ streamText }) => {
        const response = streamText({ model: gpt, prompt: "Hi" }).toTextStreamResponse({
          status: 201,
          headers: { "x-own": "1" },
        });
        return [response.status, [...response.headers], await response.text()];
      }),
    );

    expect(ours).toEqual(plain);
    expect(ours?.[2]).toBe("It is on its way.");
  });

  it("pulls as few chunks ahead of its readers as without us", async () => {
    const pulled = async ({ streamText }: typeof ai, read: number): Promise<number> => {
      let count = 0;
      const mock = new MockLanguageModelV4({
        doStream: async () => ({
          stream: new ReadableStream(
            {
              start: (controller) => controller.enqueue({ type: "text-start", id: "0" }),
              pull(controller) {
                count += 1;
                controller.enqueue({ type: "text-delta", id: "0", delta: "word " });
                if (count === 500) controller.close();
              },
            },
            { highWaterMark: 0 },
          ),
        }),
      });
      const result = streamText({ model: mock, prompt: "Hi" });
      if (read > 0) {
        const reader = result.textStream.getReader();
        for (let chunk = 0; chunk < read; chunk += 1) await reader.read();
      }
      await settle();
      return count;
    };

    expect(await pulled(traced, 0)).toBe(await pulled(ai, 0));
    expect(await pulled(traced, 0)).toBeLessThan(20);
    expect(await pulled(traced, 5)).toBe(await pulled(ai, 5));
  });
});

describe("the application's callbacks", () => {
  type Log = (string | undefined)[];

  function callbacks(log: Log) {
    const note =
      (name: string) =>
      (event: unknown): void => {
        const { chunk } = event as { readonly chunk?: { readonly type: string } };
        log.push(chunk === undefined ? name : `${name} ${chunk.type}`);
        active.push((trace.getActiveSpan() as { name?: string } | undefined)?.name);
      };
    const active: Log = [];
    return {
      active,
      given: {
        onStart: note("onStart"),
        onStepStart: note("onStepStart"),
        onLanguageModelCallEnd: note("onLanguageModelCallEnd"),
        onToolExecutionStart: note("onToolExecutionStart"),
        onToolExecutionEnd: note("onToolExecutionEnd"),
        onStepEnd: note("onStepEnd"),
        onChunk: note("onChunk"),
        onError: note("onError"),
        onAbort: note("onAbort"),
      },
      onEnd: note("onEnd"),
      onFinish: note("onFinish"),
    };
  }

  const lookUp = () => ai.tool({ inputSchema: z.object({}), execute: () => "found" });

  async function run({ streamText }: typeof ai, ends: readonly ("onEnd" | "onFinish")[]) {
    const log: Log = [];
    const { active, given, ...end } = callbacks(log);
    await streamText({
      model: await model(CALLS_TOOL, TEXT),
      tools: { look_up: lookUp() },
      stopWhen: ai.isStepCount(2),
      prompt: "Hi",
      ...given,
      ...Object.fromEntries(ends.map((name) => [name, end[name]])),
    }).consumeStream();
    await scripted?.server.close();
    return { log, active };
  }

  it.each([[["onEnd"]], [["onFinish"]], [["onEnd", "onFinish"]], [[]]] as const)(
    "are called as without us, with %j",
    async (ends) => {
      const { log } = await run(traced, ends);

      expect(log).toEqual((await run(ai, ends)).log);
      expect(log.filter((name) => name === "onEnd" || name === "onFinish")).toEqual(
        ends.slice(0, 1),
      );
    },
  );

  it("run inside the operation", async () => {
    const { active } = await run(traced, ["onEnd"]);

    expect(new Set(active)).toEqual(new Set(["invoke_agent"]));
  });

  it("may throw, and end no sooner than the operation", async () => {
    const { promise: finished, resolve } = Promise.withResolvers<void>();
    const gpt = await model(TEXT);

    const reading = traced
      .streamText({
        model: gpt,
        prompt: "Hi",
        async onFinish() {
          await finished;
          throw new Error("the application's own");
        },
      })
      .consumeStream();
    while (recording.endings().length === 0) await settle();
    expect(recording.endings()).toEqual(["chat gpt-5"]);

    resolve();
    await reading;
    expect(recording.endings()).toEqual(["chat gpt-5", "invoke_agent"]);
  });

  it("are told of errors and aborts as without us", async () => {
    const gpt = await model({ type: "error", status: 400, code: "bad", message: "Bad request" });
    const logs = [];
    for (const { streamText } of [ai, traced]) {
      const log: Log = [];
      const { given, onEnd } = callbacks(log);
      const call = { model: gpt, prompt: "Hi", ...given, onEnd };
      await streamText(call).consumeStream();
      await streamText({ ...call, abortSignal: AbortSignal.abort() }).consumeStream();
      logs.push(log);
    }

    expect(logs[1]).toEqual(logs[0]);
    expect(logs[1]).toContain("onError");
    expect(logs[1]).toContain("onAbort");
  });
});

describe("the application's options", () => {
  it("are never written to, and may be frozen", async () => {
    const call = Object.freeze({
      model: await model(CALLS_TOOL, TEXT),
      prompt: "Hi",
      stopWhen: ai.isStepCount(2),
      tools: Object.freeze({
        look_up: Object.freeze(ai.tool({ inputSchema: z.object({}), execute: () => "found" })),
      }),
    });

    expect((await traced.generateText(call)).text).toBe("It is on its way.");
    expect(recording.spans().map(({ name }) => name)).toContain("execute_tool look_up");
  });

  it("reach prepareStep as they were given", async () => {
    const gpt = await model(TEXT);
    const models: unknown[] = [];
    const prepareStep = ({ model: given }: { readonly model: unknown }) => {
      models.push(given);
      return {};
    };

    await traced.generateText({ model: gpt, prompt: "Hi", prepareStep });
    expect(models).toHaveLength(1);
    expect(models[0]).toBe(gpt);
  });

  it("do not have their output parsed unless the application asks for it", async () => {
    const validate = vi.fn((value: unknown) => ({ success: true as const, value }));
    const output = ai.Output.object({ schema: ai.jsonSchema({ type: "object" }, { validate }) });
    const gpt = await model({ type: "text", text: "{}" });

    await Array.fromAsync(traced.streamText({ model: gpt, prompt: "Hi", output }).textStream);
    await settle();
    expect(validate).not.toHaveBeenCalled();
    expect(recording.endings()).toEqual(["chat gpt-5", "invoke_agent"]);
  });
});
