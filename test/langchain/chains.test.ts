import { Document } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnableParallel } from "@langchain/core/runnables";
import { FakeRetriever } from "@langchain/core/utils/testing";
import { TraceCallbackHandler } from "@waybill/langchain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";

import type { ModelReply } from "../../examples/model-server/model-server.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { SEVERAL_WORDS, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let scripted: ScriptedOpenAI;
let handler: TraceCallbackHandler;
let answer: ModelReply;
beforeEach(async () => {
  recording = startRecording();
  answer = SEVERAL_WORDS;
  scripted = await startOpenAI(() => answer);
  handler = new TraceCallbackHandler();
});
afterEach(async () => {
  vi.useRealTimers();
  await recording.stop();
  await scripted.server.close();
});

function countingChain() {
  return ChatPromptTemplate.fromMessages([["human", "Count to {number}"]])
    .pipe(scripted.model())
    .pipe(new StringOutputParser());
}

const CHAIN = `
RunnableSequence (INTERNAL)
  chat gpt-5 (CLIENT)
`;

describe("a chain of a prompt, a model and a parser", () => {
  it("shows the chain and the model, not the steps in between", async () => {
    const text = await countingChain().invoke({ number: "five" }, { callbacks: [handler] });

    expect(text).toBe("one two three four five");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(CHAIN);
  });

  it("does so too when it streams", async () => {
    const stream = await countingChain().stream({ number: "five" }, { callbacks: [handler] });

    expect((await Array.fromAsync(stream)).join("")).toBe("one two three four five");
    expect(spanTree(recording.spans(), { kinds: true })).toBe(CHAIN);
    expect(recording.open()).toBe(0);
  });

  it("is one trace for each input of a batch", async () => {
    await countingChain().batch([{ number: "1" }, { number: "2" }], { callbacks: [handler] });

    const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
    expect(Array.from(traces.values(), (spans) => spanTree(spans, { kinds: true }))).toEqual([
      CHAIN,
      CHAIN,
    ]);
  });

  it("bears the name that it was given", async () => {
    await countingChain().invoke(
      { number: "five" },
      { callbacks: [handler], runName: "count aloud" },
    );

    expect(spanTree(recording.spans())).toBe(`
count aloud
  chat gpt-5
`);
  });

  it("shows every step with all spans asked for", async () => {
    await countingChain().invoke(
      { number: "five" },
      { callbacks: [new TraceCallbackHandler({ spans: "all" })] },
    );

    expect(spanTree(recording.spans())).toBe(`
RunnableSequence
  ChatPromptTemplate
  chat gpt-5
  StrOutputParser
`);
  });
});

it("shows the steps of a chain that have a name", async () => {
  const shout = RunnableLambda.from((text: string) => text.toUpperCase());
  const chain = RunnableLambda.from((text: string) => text.trim())
    .pipe(RunnableParallel.from({ loud: shout.withConfig({ runName: "shout" }), plain: shout }))
    .pipe(RunnableLambda.from(({ loud }: { loud: string }) => loud));

  expect(await chain.invoke(" hey ", { callbacks: [handler], runName: "greet" })).toBe("HEY");
  expect(spanTree(recording.spans())).toBe(`
greet
  shout
`);
});

it("shows structured output by its model call", async () => {
  const model = scripted.model().withStructuredOutput(z.object({ city: z.string() }));
  answer = { type: "text", text: '{"city":"Lisbon"}' };

  expect(await model.invoke("Where?", { callbacks: [handler] })).toEqual({ city: "Lisbon" });
  expect(spanTree(recording.spans())).toBe(`
RunnableSequence
  chat gpt-5
`);
});

it("shows each attempt of a retry, and each fallback", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  let attempts = 0;
  const flaky = RunnableLambda.from((text: string) => {
    attempts += 1;
    if (attempts < 3) throw new RangeError(`attempt ${attempts}`);
    return text;
  }).withConfig({ runName: "flaky" });
  const broken = RunnableLambda.from((_text: string): string => {
    throw new TypeError("broken");
  }).withConfig({ runName: "broken" });
  const instead = RunnableLambda.from(() => "instead").withConfig({ runName: "instead" });
  const chain = flaky.withRetry({ stopAfterAttempt: 3 }).pipe(broken.withFallbacks([instead]));

  const answered = chain.invoke("x", { callbacks: [handler], runName: "careful" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answered).toBe("instead");
  expect(spanTree(recording.spans())).toBe(`
careful
  flaky error: RangeError
  flaky error: RangeError
  flaky
  broken error: TypeError
  instead
`);
});

describe("a retriever", () => {
  it("has a span of its name, with what it found as content only", async () => {
    const retriever = new FakeRetriever({ output: [new Document({ pageContent: "Order A-1" })] });

    await retriever.invoke("Where is A-1?", { callbacks: [handler], runName: "orders" });
    const [span] = recording.spans();
    expect(spanTree(recording.spans(), { kinds: true })).toBe("\nretrieval orders (CLIENT)\n");
    expect(span?.attributes).toEqual({
      "gen_ai.operation.name": "retrieval",
      "gen_ai.data_source.id": "orders",
    });
  });

  it("is called by its class without a name", async () => {
    await new FakeRetriever().invoke("Where?", { callbacks: [handler] });

    expect(spanTree(recording.spans())).toBe("\nretrieval FakeRetriever\n");
  });
});

it("reads the arguments of handleChainStart in the order in which LangChain passes them", async () => {
  const received: unknown[][] = [];
  const log = { handleChainStart: (...given: unknown[]) => void received.push(given) };
  const inner = RunnableLambda.from((text: string) => text).withConfig({ runName: "inner" });
  const chain = RunnableLambda.from((text: string, config) => inner.invoke(text, config));

  await chain.invoke("x", {
    callbacks: [handler, log],
    runName: "outer",
    tags: ["a tag"],
    metadata: { key: "value" },
  });
  const [outerStart, innerStart] = received;
  const [, , outerId, , tags, metadata, , outerName] = outerStart ?? [];
  expect([tags, metadata, outerName]).toEqual([["a tag"], { key: "value" }, "outer"]);
  expect([innerStart?.[3], innerStart?.[7]]).toEqual([outerId, "inner"]);
  expect(spanTree(recording.spans())).toBe("\nouter\n  inner\n");
});
