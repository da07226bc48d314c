import { getEventListeners } from "node:events";

import { traceAI } from "@waybill/ai-sdk";
import * as ai from "ai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { ModelReply, ModelScript } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { settle, streamingModel, USAGE } from "./mock-model.ts";
import type { StreamPart } from "./mock-model.ts";
import { inTurn, LONG_TEXT, OVERLOADED, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

const { generateText, streamText } = traceAI(ai);
const CALLS_TOOL: ModelReply = {
  type: "tool-calls",
  calls: [{ name: "work", arguments: {} }],
};
const BREAKS: ModelReply = { type: "stream-error", text: "one two", message: "broken" };
const onError = (): void => {};

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

async function model(script: ModelScript) {
  scripted = await startOpenAI(script);
  return scripted.openai("gpt-5");
}

async function tree(): Promise<string> {
  await recording.idle();
  return spanTree(recording.spans());
}

/** A script that hangs, and tells when it was asked. */
function hanging() {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const script: ModelScript = () => {
    resolve();
    return new Promise(() => {});
  };
  return { script, asked };
}

describe("a retried call", () => {
  it("shows each attempt, and a healthy operation if the last one succeeds", async () => {
    const gpt = await model(inTurn(OVERLOADED, { type: "text", text: "Hello." }));

    await generateText({ model: gpt, prompt: "Hi" });
    expect(await tree()).toBe(`
invoke_agent
  chat gpt-5 error: 503
  chat gpt-5
`);
    const attempts = recording
      .spans()
      .slice(1)
      .map(({ attributes }) => attributes["waybill.attempt"]);
    expect(attempts).toEqual([undefined, 2]);
  });

  it("does so when it streams", async () => {
    const gpt = await model(inTurn(OVERLOADED, OVERLOADED, { type: "text", text: "Hello." }));

    expect(await streamText({ model: gpt, prompt: "Hi" }).text).toBe("Hello.");
    expect(await tree()).toBe(`
invoke_agent
  chat gpt-5 error: 503
  chat gpt-5 error: 503
  chat gpt-5
`);
  });

  it("counts the attempts of each step anew", async () => {
    const gpt = await model(
      inTurn(OVERLOADED, CALLS_TOOL, OVERLOADED, { type: "text", text: "Hello." }),
    );
    const tools = { work: ai.tool({ inputSchema: z.object({}), execute: () => "done" }) };

    await generateText({ model: gpt, tools, stopWhen: ai.isStepCount(3), prompt: "Hi" });
    const attempts = recording
      .spans()
      .filter(({ name }) => name === "chat gpt-5")
      .map(({ attributes }) => attributes["waybill.attempt"]);
    expect(attempts).toEqual([undefined, 2, undefined, 2]);
  });

  it("fails with the AI SDK's own error when no attempt is left", async () => {
    const gpt = await model(inTurn(OVERLOADED));

    const error = await generateText({ model: gpt, prompt: "Hi", maxRetries: 1 }).catch(
      (caught: unknown) => caught,
    );
    expect(ai.RetryError.isInstance(error)).toBe(true);
    expect(await tree()).toBe(`
invoke_agent error: AI_RetryError
  chat gpt-5 error: 503
  chat gpt-5 error: 503
`);
  });

  it.each(["textStream", "fullStream", "text"] as const)(
    "fails a stream that is read by its %s",
    async (reading) => {
      const gpt = await model(inTurn(OVERLOADED));

      const result = streamText({ model: gpt, prompt: "Hi", maxRetries: 1, onError });
      const read: PromiseLike<unknown> =
        reading === "text" ? result.text : Array.fromAsync<unknown>(result[reading]);
      await Promise.allSettled([read]);
      expect(await tree()).toBe(`
invoke_agent error: AI_RetryError
  chat gpt-5 error: 503
  chat gpt-5 error: 503
`);
    },
  );
});

describe("a stream that is retried after its beginning", () => {
  const failing: StreamPart[] = [
    { type: "error", error: new TypeError("overloaded") },
    { type: "finish", finishReason: { unified: "error", raw: undefined }, usage: USAGE },
  ];
  const answering: StreamPart[] = [
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Hello." },
    { type: "text-end", id: "1" },
    { type: "finish", finishReason: { unified: "stop", raw: undefined }, usage: USAGE },
  ];

  it.each([
    ["by streamRetries", { streamRetries: 1, onError }],
    [
      "because onError asks for it",
      { streamRetries: 0, onError: () => ({ retry: true as const }) },
    ],
  ])("%s shows each attempt, and a healthy operation", async (_how, retry) => {
    const replies = [failing, answering];

    const result = streamText({
      model: streamingModel(() => replies.shift() ?? []),
      prompt: "Hi",
      ...retry,
    });
    expect(await result.text).toBe("Hello.");
    expect(await tree()).toBe(`
invoke_agent
  chat m error: TypeError
  chat m
`);
    expect(recording.spans()[2]?.attributes["waybill.attempt"]).toBe(2);
  });
});

describe("an error", () => {
  it("in the middle of the stream fails the model call and the operation", async () => {
    const gpt = await model(inTurn(BREAKS));

    const { textStream } = streamText({ model: gpt, prompt: "Hi", onError });
    const error = await Array.fromAsync(textStream).catch((caught: unknown) => caught);
    expect(ai.APICallError.isInstance(error)).toBe(true);
    expect(await tree()).toBe(`
invoke_agent error: AI_APICallError
  chat gpt-5 error: server_error
`);
  });

  it("that the model reports as a part of its stream fails both, and the stream goes on", async () => {
    const error = new TypeError("overloaded");
    const failing = streamingModel(() => [
      { type: "stream-start", warnings: [] },
      { type: "error", error },
      { type: "finish", finishReason: { unified: "error", raw: undefined }, usage: USAGE },
    ]);

    const received = await Array.fromAsync(
      streamText({ model: failing, prompt: "Hi", onError }).fullStream,
    );
    expect(received.find(({ type }) => type === "error")).toEqual({ type: "error", error });
    expect(received.at(-1)?.type).toBe("finish");
    expect(await tree()).toBe(`
invoke_agent error: TypeError
  chat m error: TypeError
`);
    expect(recording.spans().map(({ events }) => events.length)).toEqual([0, 1]);
  });

  it("is logged by the AI SDK as always if there is no onError", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const gpt = await model(inTurn(BREAKS));

    const { textStream } = streamText({ model: gpt, prompt: "Hi" });
    await expect(Array.fromAsync(textStream)).rejects.toThrow("successful response");
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });

  it("of the application's own code before the first model call fails the operation", async () => {
    const gpt = await model(inTurn(LONG_TEXT));
    const prepareStep = () => {
      throw new RangeError("no plan");
    };

    await Array.fromAsync(
      streamText({ model: gpt, prompt: "Hi", prepareStep, onError }).textStream,
    );
    await expect(generateText({ model: gpt, prompt: "Hi", prepareStep })).rejects.toThrow(
      "no plan",
    );
    expect(await tree()).toBe(`
invoke_agent error: RangeError
invoke_agent error: RangeError
`);
  });

  it("that streamText throws at once reaches the caller, and the operation", async () => {
    const gpt = await model(inTurn(LONG_TEXT));

    expect(() => streamText({ model: gpt, prompt: "Hi", maxRetries: -1 })).toThrow(
      ai.InvalidArgumentError,
    );
    expect(await tree()).toBe("\ninvoke_agent error: AI_InvalidArgumentError\n");
  });
});

describe("an abort", () => {
  it("before the first chunk ends all spans as aborted", async () => {
    const { script, asked } = hanging();
    const gpt = await model(script);
    const controller = new AbortController();
    const call = { model: gpt, prompt: "Hi", abortSignal: controller.signal };

    const streamed = Array.fromAsync(streamText(call).textStream);
    const generated = generateText(call);
    await asked;
    controller.abort();
    await streamed;
    await expect(generated).rejects.toBe(controller.signal.reason);
    expect(await tree()).toBe(`
invoke_agent aborted
  chat gpt-5 aborted
invoke_agent aborted
  chat gpt-5 aborted
`);
  });

  it("before the call ends all spans as aborted", async () => {
    const gpt = await model(inTurn(LONG_TEXT));
    const call = { model: gpt, prompt: "Hi", abortSignal: AbortSignal.abort() };

    await Array.fromAsync(streamText(call).textStream);
    await expect(generateText(call)).rejects.toBe(call.abortSignal.reason);
    expect(await tree()).not.toMatch(/invoke_agent\n|chat gpt-5\n|error/);
  });

  it("in the middle of the stream ends all spans as aborted", async () => {
    const gpt = await model(inTurn(LONG_TEXT));
    const controller = new AbortController();
    const onAbort = vi.fn();

    const { textStream } = streamText({
      model: gpt,
      prompt: "Hi",
      abortSignal: controller.signal,
      onAbort,
    });
    for await (const _ of textStream) controller.abort();
    expect(onAbort).toHaveBeenCalledTimes(1);
    expect(await tree()).toBe(`
invoke_agent aborted
  chat gpt-5 aborted
`);
    expect(recording.spans()[1]?.attributes["gen_ai.response.id"]).toBe("resp_1");
  });

  it("ends all spans when nobody reads the stream any more", async () => {
    function* words(): Generator<StreamPart> {
      yield { type: "text-start", id: "1" };
      for (;;) yield { type: "text-delta", id: "1", delta: "word " };
    }
    const controller = new AbortController();

    const { textStream } = streamText({
      model: streamingModel(words),
      prompt: "Hi",
      abortSignal: controller.signal,
    });
    await textStream.getReader().read();
    await settle();
    controller.abort();
    expect(await tree()).toBe(`
invoke_agent aborted
  chat m aborted
`);
  });

  it("that never comes leaves no listener on its signal", async () => {
    const gpt = await model(inTurn({ type: "text", text: "Hello." }));
    const listeners = [];

    for (const call of [ai.streamText, streamText]) {
      const { signal } = new AbortController();
      await call({ model: gpt, prompt: "Hi", abortSignal: signal }).consumeStream();
      listeners.push(getEventListeners(signal, "abort").length);
    }
    expect(listeners[1]).toBe(listeners[0]);
  });

  it("inside a tool ends all spans as aborted", async () => {
    const gpt = await model(inTurn(CALLS_TOOL));
    const controllers = [new AbortController(), new AbortController()] as const;
    const call = (controller: AbortController) => ({
      model: gpt,
      prompt: "Hi",
      abortSignal: controller.signal,
      stopWhen: ai.isStepCount(3),
      tools: {
        work: ai.tool({
          inputSchema: z.object({}),
          execute: (_input, { abortSignal }) => {
            controller.abort();
            abortSignal?.throwIfAborted();
            return "done";
          },
        }),
      },
    });

    await Array.fromAsync(streamText(call(controllers[0])).textStream);
    await expect(generateText(call(controllers[1]))).rejects.toMatchObject({ name: "AbortError" });
    expect(await tree()).toBe(`
invoke_agent aborted
  chat gpt-5
  execute_tool work aborted
invoke_agent aborted
  chat gpt-5
  execute_tool work aborted
`);
  });

  it("in the pause before the next attempt ends all spans as aborted", async () => {
    const { headers: _hint, ...overloaded } = OVERLOADED;
    const gpt = await model(inTurn(overloaded));
    const controllers = [new AbortController(), new AbortController()] as const;
    const call = (controller: AbortController) => ({
      model: gpt,
      prompt: "Hi",
      abortSignal: controller.signal,
    });

    const work = [
      Array.fromAsync(streamText(call(controllers[0])).textStream),
      generateText(call(controllers[1])),
    ];
    while (recording.endings().length < 2) await settle();
    for (const controller of controllers) controller.abort();
    await Promise.allSettled(work);
    expect(await tree()).toBe(`
invoke_agent aborted
  chat gpt-5 error: 503
invoke_agent aborted
  chat gpt-5 error: 503
`);
  });

  it("by a timeout is an error", async () => {
    const { script } = hanging();
    const gpt = await model(script);
    const call = { model: gpt, prompt: "Hi", timeout: 20 };

    await Array.fromAsync(streamText(call).textStream);
    await expect(generateText(call)).rejects.toMatchObject({ name: "TimeoutError" });
    expect(await tree()).toBe(`
invoke_agent error: TimeoutError
  chat gpt-5 error: TimeoutError
invoke_agent error: TimeoutError
  chat gpt-5 error: TimeoutError
`);
  });
});

describe("a reader that leaves", () => {
  const CANCELLED = `
invoke_agent cancelled
  chat gpt-5 cancelled
`;

  it("by break cancels the operation", async () => {
    const gpt = await model(inTurn(LONG_TEXT));

    for await (const _ of streamText({ model: gpt, prompt: "Hi" }).textStream) break;
    expect(await tree()).toBe(CANCELLED);
  });

  it("by cancel() does so on each kind of stream", async () => {
    const gpt = await model(inTurn(LONG_TEXT));
    const streams = [
      streamText({ model: gpt, prompt: "Hi" }).fullStream,
      streamText({ model: gpt, prompt: "Hi" }).stream,
      streamText({ model: gpt, prompt: "Hi" }).partialOutputStream,
      streamText({ model: gpt, prompt: "Hi" }).toUIMessageStream(),
      streamText({ model: gpt, prompt: "Hi" }).toTextStreamResponse().body,
      streamText({ model: gpt, prompt: "Hi" }).toUIMessageStreamResponse().body,
    ];

    for (const stream of streams) {
      const reader = (stream as ReadableStream<unknown>).getReader();
      await reader.read();
      await reader.cancel();
    }
    const outcomes = (await tree()).trim().split("\n");
    expect(outcomes.filter((line) => line === "invoke_agent cancelled")).toHaveLength(6);
    expect(outcomes.every((line) => line.endsWith("cancelled"))).toBe(true);
  });

  it("in the middle of a tool cancels the operation when the tool is done", async () => {
    const gpt = await model(inTurn(CALLS_TOOL));
    const { promise: working, resolve: isWorking } = Promise.withResolvers<void>();
    const { promise: done, resolve: finish } = Promise.withResolvers<string>();
    const work = ai.tool({
      inputSchema: z.object({}),
      execute: () => {
        isWorking();
        return done;
      },
    });

    const { textStream } = streamText({
      model: gpt,
      prompt: "Hi",
      tools: { work },
      stopWhen: ai.isStepCount(2),
    });
    const reader = textStream.getReader();
    const reading = reader.read();
    await working;
    await reader.cancel();
    await reading;
    await settle();
    expect(recording.endings()).toEqual(["chat gpt-5"]);

    finish("done");
    expect(await tree()).toBe(`
invoke_agent cancelled
  chat gpt-5
  execute_tool work
`);
  });

  it("in the pause before the next attempt leaves no span open", async () => {
    const { promise: askedAgain, resolve: isAskedAgain } = Promise.withResolvers<void>();
    const replies: ModelReply[] = [{ ...OVERLOADED, headers: { "retry-after-ms": "100" } }];
    const gpt = await model(() => {
      const reply = replies.shift();
      if (reply === undefined) isAskedAgain();
      return reply ?? LONG_TEXT;
    });

    const reader = streamText({ model: gpt, prompt: "Hi" }).textStream.getReader();
    const reading = reader.read();
    while (recording.endings().length === 0) await settle();
    await reader.cancel();
    await Promise.all([reading, askedAgain]);
    expect(await tree()).toBe(`
invoke_agent cancelled
  chat gpt-5 error: 503
  chat gpt-5 cancelled
`);
  });

  it("and comes back later leaves no span open", async () => {
    const gpt = await model(inTurn(CALLS_TOOL, { type: "text", text: "Hello." }));
    const work = ai.tool({ inputSchema: z.object({}), execute: () => "done" });

    const result = streamText({
      model: gpt,
      prompt: "Hi",
      tools: { work },
      stopWhen: ai.isStepCount(2),
    });
    for await (const _ of result.fullStream) break;
    await recording.idle();
    expect(await result.text).toBe("Hello.");
    expect(recording.open()).toBe(0);
    expect(await tree()).toMatch(/^\ninvoke_agent cancelled\n/);
  });

  it("of one branch does not cancel what the other one reads to its end", async () => {
    const gpt = await model(inTurn(LONG_TEXT));

    const result = streamText({ model: gpt, prompt: "Hi" });
    const { textStream, fullStream } = result;
    const reader = textStream.getReader();
    await reader.read();
    await reader.cancel();
    await Array.fromAsync(fullStream);
    expect(await tree()).toBe("\ninvoke_agent\n  chat gpt-5\n");
  });

  it.each(["text", "consumeStream"] as const)(
    "does not cancel what %s drains",
    async (draining) => {
      const gpt = await model(inTurn(LONG_TEXT));

      const result = streamText({ model: gpt, prompt: "Hi" });
      for await (const _ of result.textStream) break;
      await (draining === "text" ? result.text : result.consumeStream());
      expect(await tree()).toBe("\ninvoke_agent\n  chat gpt-5\n");
    },
  );
});
