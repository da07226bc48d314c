import { RunnableLambda } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { context, diag } from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { configureWaybill } from "@waybill/core";
import { TraceCallbackHandler } from "@waybill/langchain";
import type { TraceCallbackHandlerOptions } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { ToolCallingModel } from "./fake-model.ts";

let recording: Recording | undefined;
afterEach(async () => {
  await recording?.stop();
  recording = undefined;
});

/** The runs that all handlers of this process keep. */
function keptRuns(): { readonly open: number; readonly ended: number } {
  const registries = globalThis as Record<
    symbol,
    | { readonly open: ReadonlyMap<string, unknown>; readonly ended: ReadonlyMap<string, unknown> }
    | undefined
  >;
  const registry = registries[Symbol.for("waybill.langchain.1")];
  return { open: registry?.open.size ?? 0, ended: registry?.ended.size ?? 0 };
}

async function runAgent(...callbacks: readonly TraceCallbackHandler[]): Promise<string> {
  const tools = [tool(() => "worked", { name: "work", schema: z.object({}) })];
  const agent = createAgent({ name: "desk", model: new ToolCallingModel("work"), tools });
  const { messages } = await agent.invoke({ messages: "Go" }, { callbacks: [...callbacks] });
  return messages.at(-1)?.text ?? "";
}

const TREE = `
invoke_agent desk
  chat
  execute_tool work
  chat
`;

describe("with no SDK registered", () => {
  it("all works, and nothing is kept or reported", async () => {
    const warn = vi.spyOn(diag, "warn");

    expect(await runAgent(new TraceCallbackHandler({ captureContent: true }))).toBe("Done.");
    expect(keptRuns()).toEqual({ open: 0, ended: 0 });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe("where tracing is suppressed", () => {
  it("all works, and nothing is recorded or kept", async () => {
    recording = startRecording();
    const before = keptRuns();

    const answer = await context.with(suppressTracing(context.active()), () =>
      runAgent(new TraceCallbackHandler()),
    );
    expect(answer).toBe("Done.");
    expect(recording.spans()).toEqual([]);
    expect(keptRuns()).toEqual(before);
  });
});

describe("with a trace that is not sampled", () => {
  it("no content is read", async () => {
    const redact = vi.fn((text: string) => text);
    configureWaybill({ redact });
    recording = startRecording({
      sampler: {
        shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }),
        toString: () => "never",
      },
    });

    expect(await runAgent(new TraceCallbackHandler({ captureContent: true }))).toBe("Done.");
    expect(redact).not.toHaveBeenCalled();
    expect(recording.spans()).toEqual([]);
    expect(keptRuns().open).toBe(0);
  });
});

describe("handlers", () => {
  it("make one span of a run, also if one is passed twice", async () => {
    recording = startRecording();
    const handler = new TraceCallbackHandler();

    await runAgent(handler, handler);
    expect(spanTree(recording.spans())).toBe(TREE);
  });

  it("make one span of a run, also if there are two of them", async () => {
    recording = startRecording();

    await runAgent(new TraceCallbackHandler(), new TraceCallbackHandler());
    expect(spanTree(recording.spans())).toBe(TREE);
  });

  it("make one tree, also if one is passed to the agent and one to its model", async () => {
    recording = startRecording();
    const fake = new FakeListChatModel({
      responses: ["Hi."],
      callbacks: [new TraceCallbackHandler()],
    });
    const chain = RunnableLambda.from((text: string, config) => fake.invoke(text, config));

    await chain.invoke("x", { callbacks: [new TraceCallbackHandler()], runName: "chain" });
    await fake.invoke("x");
    expect(spanTree(recording.spans())).toBe("\nchain\n  chat\nchat\n");
  });

  it("have no state, and are their own copies", () => {
    const handler = new TraceCallbackHandler();

    expect(handler.copy()).toBe(handler);
    expect(handler.awaitHandlers).toBe(true);
    expect(handler.raiseError).toBe(false);
  });

  it("keep no run that has ended, and not more than a thousand memories of them", async () => {
    recording = startRecording();
    const handler = new TraceCallbackHandler();
    const step = RunnableLambda.from((text: string) => text);

    await step.batch(
      Array.from({ length: 1100 }, () => "x"),
      { callbacks: [handler] },
    );
    expect(keptRuns()).toEqual({ open: 0, ended: 1000 });
  });
});

describe("the option", () => {
  it("`maxOpenRuns` ends the oldest run as abandoned, and the application does not notice", async () => {
    recording = startRecording();
    const warn = vi.spyOn(diag, "warn");
    const handler = new TraceCallbackHandler({ maxOpenRuns: 2 });
    const inner = RunnableLambda.from((text: string) => text.toUpperCase());
    const nest = (depth: number): RunnableLambda<string, string> =>
      depth === 0
        ? inner
        : RunnableLambda.from((text: string, config) =>
            nest(depth - 1).invoke(text, { ...config, runName: `step ${depth}` }),
          );

    const result = await nest(3).invoke("x", { callbacks: [handler], runName: "root" });
    expect(result).toBe("X");
    expect(spanTree(recording.spans())).toBe(`
root abandoned
  step 3 abandoned
    step 2
      step 1
`);
    expect(recording.open()).toBe(0);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toContain("`maxOpenRuns`");
    warn.mockRestore();
  });

  it.each<[string, unknown, RegExp]>([
    ["capture", { capture: true }, /unknown option `capture`/],
    ["activate", { activate: "on" }, /option `activate` must be "auto" or "off", got "on"/],
    ["activate", { activate: true }, /option `activate` must be a string, got true/],
    ["spans", { spans: "some" }, /option `spans` must be "default" or "all", got "some"/],
    ["captureContent", { captureContent: "all" }, /option `captureContent` must be .*, got "all"/],
    ["captureContent", { captureContent: { prompts: true } }, /unknown option `prompts`/],
    ["captureContent", { captureContent: { input: 1 } }, /option `input` must be a boolean, got 1/],
    ["maxOpenRuns", { maxOpenRuns: 0 }, /option `maxOpenRuns` must be at least 1, got 0/],
    ["maxOpenRuns", { maxOpenRuns: 1.5 }, /option `maxOpenRuns` must be .*, got 1.5/],
  ])("`%s` is refused by name if it is wrong: %j", (_name, options, message) => {
    const construct = () => new TraceCallbackHandler(options as TraceCallbackHandlerOptions);

    expect(construct).toThrow(TypeError);
    expect(construct).toThrow(message);
  });

  it("object must be one, and is refused otherwise", () => {
    expect(() => new TraceCallbackHandler("all" as never)).toThrow(
      new TypeError('TraceCallbackHandler: the options must be an object, got "all"'),
    );
  });
});
