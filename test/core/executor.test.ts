import { metrics } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { configureWaybill, traceLlmCall, withSpan } from "@waybill/core";
import { createAgentExecutor } from "@waybill/core/executor";
import type { AgentExecutorOptions, Iteration, Turn } from "@waybill/core/executor";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill({ captureContent: false });
  metrics.disable();
  await recording.stop();
});

const model = { provider: "openai", model: "gpt-5" };
const usage = { inputTokens: 10, outputTokens: 2 };

/** An agent that calls its tool for every word of the task, and then responds with what it got. */
function wordCounter(options: Partial<Pick<AgentOptions, (typeof COMMON)[number]>> = {}) {
  return createAgentExecutor({
    name: "word-counter",
    model,
    tools: ["count"],
    think: ({ task, iteration }: Turn<string>, span) => {
      span.recordResponse({ usage });
      return { word: task.split(" ")[iteration - 1] };
    },
    decide: ({ word }, { iterations }) =>
      word === undefined
        ? { type: "respond", output: `${iterations.length} words` }
        : { type: "act", tool: "count", arguments: { word }, callId: `call_${iterations.length}` },
    act: async ({ arguments: { word } }) => ({ length: word.length }),
    ...options,
  });
}

type AgentOptions = AgentExecutorOptions<string, unknown, unknown, unknown, unknown, unknown>;
const COMMON = ["maxIterations", "budget", "captureContent", "nowMs"] as const;

function attributesOf(name: string) {
  return spanNamed(recording.spans(), name).attributes;
}

describe("an agent's run", () => {
  it("is one tree: memory, iterations, thoughts, decisions and tools, with what they start", async () => {
    const notes: string[] = ["likes tea"];
    const agent = createAgentExecutor({
      name: "support-bot",
      model,
      tools: ["look_up"],
      recall: async ({ iteration, memories }) => {
        expect([iteration, memories]).toEqual([1, []]);
        return notes;
      },
      think: async ({ iterations }: Turn<string>) => {
        await Promise.resolve();
        return withSpan("http request", () => iterations.length);
      },
      decide: async (step) =>
        step === 0
          ? { type: "act", tool: "look_up", arguments: { id: "A-1" } }
          : { type: "respond", output: "shipped" },
      act: async ({ arguments: { id } }) => withSpan("database query", () => `order ${id}`),
      remember: async ({ observation }) => withSpan("store", () => notes.push(observation ?? "")),
    });

    const { stopReason, output } = await agent.run("Where is my order?");

    expect([stopReason, output]).toEqual(["respond", "shipped"]);
    expect(notes).toEqual(["likes tea", "order A-1"]);
    expect(spanTree(recording.spans(), { kinds: true })).toBe(`
invoke_agent support-bot (INTERNAL)
  search_memory (INTERNAL)
  iteration (INTERNAL)
    chat gpt-5 (CLIENT)
      http request (INTERNAL)
    decision next_step (INTERNAL)
    execute_tool look_up (INTERNAL)
      database query (INTERNAL)
    create_memory (INTERNAL)
      store (INTERNAL)
  iteration (INTERNAL)
    chat gpt-5 (CLIENT)
      http request (INTERNAL)
    decision next_step (INTERNAL)
`);
  });

  it("tells what it did, as facts without content", async () => {
    const { iterations, ...report } = await wordCounter().run("two words");

    expect(report).toEqual({
      stopReason: "respond",
      output: "2 words",
      usage: { inputTokens: 30, outputTokens: 6 },
      cost: 0,
    });
    expect(iterations).toEqual([
      {
        iteration: 1,
        thought: { word: "two" },
        decision: { type: "act", tool: "count", arguments: { word: "two" }, callId: "call_0" },
        observation: { length: 3 },
      },
      {
        iteration: 2,
        thought: { word: "words" },
        decision: { type: "act", tool: "count", arguments: { word: "words" }, callId: "call_1" },
        observation: { length: 5 },
      },
      {
        iteration: 3,
        thought: { word: undefined },
        decision: { type: "respond", output: "2 words" },
      },
    ]);
    expect(attributesOf("invoke_agent word-counter")).toEqual({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "word-counter",
      "waybill.agent.type": "react",
      "waybill.agent.task_length": 9,
      "waybill.agent.iterations": 3,
      "waybill.agent.stop_reason": "respond",
      "waybill.usage.input_tokens": 30,
      "waybill.usage.output_tokens": 6,
    });
    const numbers = recording.spans().map(({ attributes }) => attributes["waybill.iteration"]);
    expect(numbers.filter((number) => number !== undefined)).toEqual([1, 2, 3]);
    const [decision] = recording.spans().filter(({ name }) => name.startsWith("decision"));
    expect(decision?.attributes).toEqual({
      "waybill.decision.type": "next_step",
      "waybill.decision.option_count": 2,
      "waybill.decision.chosen": "count",
    });
    const [tool] = recording.spans().filter(({ name }) => name.startsWith("execute_tool"));
    expect(tool?.attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.agent.name": "word-counter",
      "gen_ai.tool.name": "count",
      "gen_ai.tool.type": "function",
      "gen_ai.tool.call.id": "call_0",
      "waybill.tool.input_bytes": 14,
      "waybill.tool.input_keys": ["word"],
      "waybill.tool.output_bytes": 12,
    });
  });

  it("records no content unless asked, and then all of it", async () => {
    const discreet = (captureContent?: boolean) =>
      createAgentExecutor({
        name: "discreet",
        model,
        ...(captureContent !== undefined && { captureContent }),
        tools: ["tell"],
        recall: () => ["secret memory"],
        think: (_turn: Turn<string>, span) => {
          span.recordInput(() => ({ messages: ["secret prompt"] }));
          return "secret thought";
        },
        decide: (_thought, { iteration }) =>
          iteration === 1
            ? { type: "act", tool: "tell", arguments: "secret argument", reason: "secret reason" }
            : { type: "respond", output: "secret output" },
        act: () => "secret result",
      });
    const secrets = () =>
      recording
        .spans()
        .flatMap(({ attributes }) => Object.entries(attributes))
        .filter(([, value]) => JSON.stringify(value)?.includes("secret"))
        .map(([name]) => name);

    await discreet().run("secret task");
    expect(secrets()).toEqual([]);

    await discreet(true).run("secret task");
    expect(secrets()).toEqual([
      "gen_ai.input.messages",
      "gen_ai.output.messages",
      "gen_ai.memory.records",
      "gen_ai.input.messages",
      "waybill.decision.reason",
      "gen_ai.tool.call.arguments",
      "gen_ai.tool.call.result",
    ]);
    const run = recording.spans().filter(({ name }) => name === "invoke_agent discreet")[1];
    expect(run?.attributes).toMatchObject({
      "gen_ai.input.messages":
        '[{"role":"user","parts":[{"type":"text","content":"secret task"}]}]',
      "gen_ai.output.messages":
        '[{"role":"assistant","parts":[{"type":"text","content":"secret output"}],"finish_reason":"stop"}]',
    });
  });

  it("records a task and an output that are data as data", async () => {
    const agent = createAgentExecutor({
      name: "adder",
      model,
      captureContent: true,
      think: ({ task }: Turn<readonly number[]>) => task,
      decide: (numbers) => ({ type: "respond", output: { sum: numbers.length } }),
      act: () => {},
    });

    await agent.run([1, 2]);

    expect(attributesOf("invoke_agent adder")).toMatchObject({
      "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"data","data":[1,2]}]}]',
      "gen_ai.output.messages":
        '[{"role":"assistant","parts":[{"type":"data","data":{"sum":2}}],"finish_reason":"stop"}]',
    });
  });

  it("is independent of another one of the same agent at the same time", async () => {
    const agent = wordCounter();

    const runs = await Promise.all([agent.run("one"), agent.run("and two more")]);

    expect(runs.map(({ output }) => output)).toEqual(["1 words", "3 words"]);
    expect(runs.map(({ usage: { inputTokens } }) => inputTokens)).toEqual([20, 40]);
    const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
    const iterations = [...traces.values()].map((spans) =>
      spans.flatMap(({ attributes }) => attributes["waybill.iteration"] ?? []),
    );
    expect(iterations).toEqual([
      [1, 2],
      [1, 2, 3, 4],
    ]);
  });

  it("starts anew at every run", async () => {
    const agent = wordCounter({ maxIterations: 2, budget: { tokens: 24 } });

    const first = await agent.run("one");
    const second = await agent.run("one");

    expect([first.stopReason, second.stopReason]).toEqual(["respond", "respond"]);
    expect(second.iterations.map(({ iteration }) => iteration)).toEqual([1, 2]);
  });

  it("works without an SDK", async () => {
    await recording.stop();

    const { output, usage: used } = await wordCounter().run("two words");

    expect([output, used]).toEqual(["2 words", { inputTokens: 30, outputTokens: 6 }]);
    expect(recording.spans()).toEqual([]);
  });

  it("calls steps that are methods on their object", async () => {
    class Steps {
      readonly name = "object";
      readonly model = model;
      readonly #answer = "from a private member";
      think = (_turn: Turn<string>) => "thought";
      decide() {
        return { type: "respond" as const, output: this.#answer };
      }
      act() {}
    }

    await expect(createAgentExecutor(new Steps()).run("task")).resolves.toMatchObject({
      output: "from a private member",
    });
  });

  it("asks for the model of each turn, if that is a function", async () => {
    const agent = createAgentExecutor({
      name: "chooser",
      budget: { cost: 10, costOf: (_usage, name) => (name === "large" ? 4 : 1) },
      think: ({ iteration }: Turn<string, { readonly provider: string }>, span) => {
        span.recordResponse({ usage });
        return iteration;
      },
      model: ({ config, iteration }) => ({
        provider: config.provider,
        model: iteration === 1 ? "large" : "small",
        request: { temperature: 0 },
      }),
      decide: (iteration) =>
        iteration < 2
          ? { type: "act", tool: "wait", arguments: {} }
          : { type: "respond", output: iteration },
      act: () => {},
    });

    const { cost } = await agent.run("task", { provider: "acme" });

    expect(cost).toBe(5);
    expect(attributesOf("chat large")).toMatchObject({ "gen_ai.provider.name": "acme" });
    expect(attributesOf("chat small")).toMatchObject({ "gen_ai.request.temperature": 0 });
  });
});

describe("a run stops", () => {
  const agentSpan = (): unknown[] => {
    const { attributes, status } = spanNamed(recording.spans(), "invoke_agent word-counter");
    return [attributes["waybill.agent.stop_reason"], attributes["waybill.outcome"], status.code];
  };

  it("after the iterations that it may have", async () => {
    const { stopReason, output, iterations } = await wordCounter({ maxIterations: 2 }).run("a b c");

    expect([stopReason, output, iterations.length]).toEqual(["max_iterations", undefined, 2]);
    expect(agentSpan()).toEqual(["max_iterations", undefined, 0]);
  });

  it("after ten iterations, if nobody says how many", async () => {
    const { stopReason, iterations } = await wordCounter().run("a b c d e f g h i j k");

    expect([stopReason, iterations.length]).toEqual(["max_iterations", 10]);
  });

  it("before the iteration that would begin with its tokens used up", async () => {
    const { stopReason, usage: used } = await wordCounter({ budget: { tokens: 24 } }).run("a b c");

    expect([stopReason, used]).toEqual(["token_budget", { inputTokens: 20, outputTokens: 4 }]);
    expect(agentSpan()).toEqual(["token_budget", undefined, 0]);
  });

  it("before the iteration that would begin with its money used up", async () => {
    const costOf = vi.fn(() => 0.5);
    const agent = wordCounter({ budget: { cost: 1, costOf } });

    const { stopReason, cost } = await agent.run("a b c");

    expect([stopReason, cost]).toEqual(["cost_budget", 1]);
    expect(costOf.mock.calls).toEqual([
      [usage, "gpt-5"],
      [usage, "gpt-5"],
    ]);
  });

  it("before the iteration that would begin with its time used up", async () => {
    let nowMs = 1000;
    const agent = wordCounter({ budget: { timeMs: 500 }, nowMs: () => (nowMs += 200) });

    const { stopReason, iterations } = await agent.run("a b c");

    expect([stopReason, iterations.length]).toEqual(["time_budget", 2]);
  });

  it.each([{ tokens: 0 }, { timeMs: 0 }, { cost: 0, costOf: () => 1 }])(
    "before it begins, with a budget of %j",
    async (budget) => {
      const { iterations } = await wordCounter({ budget, nowMs: () => 0 }).run("a");

      expect(iterations).toEqual([]);
      expect(spanTree(recording.spans())).toBe("\ninvoke_agent word-counter\n");
      expect(attributesOf("invoke_agent word-counter")).not.toHaveProperty(
        "waybill.usage.input_tokens",
      );
    },
  );

  it("counting what was told, be it only a part", async () => {
    const agent = createAgentExecutor({
      name: "terse",
      model,
      budget: { tokens: 3 },
      think: ({ iteration }: Turn<string>, span) =>
        span.recordResponse({ usage: iteration === 1 ? { inputTokens: 2 } : { outputTokens: 1 } }),
      decide: () => ({ type: "act", tool: "wait", arguments: {} }),
      act: () => {},
    });

    const { stopReason, usage: used } = await agent.run("a");

    expect([stopReason, used]).toEqual(["token_budget", { inputTokens: 2, outputTokens: 1 }]);
  });

  it("at its tokens, though a provider once told of no number", async () => {
    const agent = createAgentExecutor({
      name: "broken",
      model,
      budget: { tokens: 150, cost: 1000, costOf: ({ inputTokens = 0 }) => inputTokens },
      think: (_turn: Turn<string>, span) =>
        span.recordResponse({ usage: { inputTokens: Number.NaN, outputTokens: 100 } }),
      decide: () => ({ type: "act", tool: "wait", arguments: {} }),
      act: () => {},
    });

    const { stopReason, usage: used, iterations } = await agent.run("a");

    expect([stopReason, used, iterations.length]).toEqual([
      "token_budget",
      { inputTokens: 0, outputTokens: 200 },
      2,
    ]);
  });

  it("with an error, rather than spend without a limit, when a cost is no number", async () => {
    const agent = wordCounter({ budget: { cost: 1, costOf: () => Number.NaN } });

    await expect(agent.run("a")).rejects.toThrow(/`costOf` must give a number, got NaN/);
  });
});

describe("a run that is aborted", () => {
  /** An agent that aborts its own run in the step of this name, by the way that a step sees. */
  function abortedIn(
    step: "think" | "decide" | "act" | "remember",
    { heeds }: { readonly heeds: boolean },
    abort: (controller: AbortController) => void = (controller) => controller.abort(),
  ) {
    const controller = new AbortController();
    const at = (name: string, signal: AbortSignal): string => {
      if (name === step) {
        abort(controller);
        if (heeds) signal.throwIfAborted();
      }
      return name;
    };
    const agent = createAgentExecutor({
      name: "bot",
      model,
      think: async ({ signal }: Turn<string>) => at("think", signal),
      decide: async (_thought, { signal }) => {
        at("decide", signal);
        return { type: "act", tool: "look_up", arguments: {} };
      },
      act: async (_action, { signal }) => at("act", signal),
      remember: (_iteration, { signal }) => at("remember", signal),
    });
    return agent.run("task", undefined, { signal: controller.signal });
  }

  it("before it began does nothing, and says so", async () => {
    const step = vi.fn(() => []);
    const agent = createAgentExecutor({
      name: "bot",
      model,
      recall: step,
      think: step,
      decide: () => ({ type: "respond", output: step() }),
      act: step,
    });

    const run = await agent.run("a", undefined, { signal: AbortSignal.abort() });

    expect(run).toMatchObject({ stopReason: "aborted", iterations: [] });
    expect(step).not.toHaveBeenCalled();
    expect(spanTree(recording.spans())).toBe("\ninvoke_agent bot aborted\n");
    expect(attributesOf("invoke_agent bot")["waybill.agent.stop_reason"]).toBe("aborted");
  });

  it("while it thinks stops there", async () => {
    const { stopReason, iterations } = await abortedIn("think", { heeds: true });

    expect([stopReason, iterations]).toEqual(["aborted", []]);
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot aborted
  iteration aborted
    chat gpt-5 aborted
`);
  });

  it("while it thinks stops behind the thought, if that does not heed the signal", async () => {
    const { stopReason } = await abortedIn("think", { heeds: false });

    expect(stopReason).toBe("aborted");
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot aborted
  iteration aborted
    chat gpt-5
`);
  });

  it("while it decides calls no tool any more", async () => {
    await abortedIn("decide", { heeds: false });

    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot aborted
  iteration aborted
    chat gpt-5
    decision next_step
`);
  });

  it("while its tool runs tells of the tool that was stopped", async () => {
    const { stopReason, iterations } = await abortedIn("act", { heeds: true });

    expect(stopReason).toBe("aborted");
    expect(iterations).toEqual([
      expect.objectContaining({
        iteration: 1,
        decision: { type: "act", tool: "look_up", arguments: {} },
        error: expect.objectContaining({ name: "AbortError" }),
      }),
    ]);
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot aborted
  iteration aborted
    chat gpt-5
    decision next_step
    execute_tool look_up aborted
`);
  });

  it("while its tool runs keeps what the tool gave all the same, and stops then", async () => {
    const { stopReason, iterations } = await abortedIn("act", { heeds: false });

    expect([stopReason, iterations[0]?.observation]).toEqual(["aborted", "act"]);
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot aborted
  iteration
    chat gpt-5
    decision next_step
    execute_tool look_up
    create_memory
`);
  });

  it("while it remembers keeps the iteration", async () => {
    const { stopReason, iterations } = await abortedIn("remember", { heeds: true });

    expect([stopReason, iterations.length]).toEqual(["aborted", 1]);
  });

  it("by a timeout has failed, but resolves", async () => {
    const timeout = new DOMException("too late", "TimeoutError");

    const { stopReason } = await abortedIn("think", { heeds: true }, (controller) =>
      controller.abort(timeout),
    );

    expect(stopReason).toBe("aborted");
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot error: TimeoutError
  iteration error: TimeoutError
    chat gpt-5 error: TimeoutError
`);
    const events = recording.spans().map((span) => span.events.map(({ name }) => name));
    expect(events).toEqual([[], [], ["exception"]]);
  });

  it.each(["a string", 0, undefined, Object.create(null)])(
    "for the reason %j is aborted, too",
    async (reason) => {
      const { stopReason } = await abortedIn("think", { heeds: true }, (controller) =>
        controller.abort(reason),
      );

      expect(stopReason).toBe("aborted");
      expect(recording.open()).toBe(0);
    },
  );
});

describe("an error", () => {
  const error = Object.assign(new Error("no such order"), { code: "not_found" });

  it("of a tool stands on its span and in the iteration, and the run goes on", async () => {
    const agent = createAgentExecutor({
      name: "bot",
      model,
      think: ({ iterations }: Turn<string>) => iterations.at(-1)?.error,
      decide: (known) =>
        known === undefined
          ? { type: "act", tool: "look_up", arguments: {} }
          : { type: "respond", output: known },
      act: () => {
        throw error;
      },
    });

    const { output, iterations } = await agent.run("task");

    expect(output).toBe(error);
    expect(iterations[0]?.error).toBe(error);
    expect(iterations[0]).not.toHaveProperty("observation");
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot
  iteration
    chat gpt-5
    decision next_step
    execute_tool look_up error: not_found
  iteration
    chat gpt-5
    decision next_step
`);
  });

  it.each(["recall", "think", "decide", "remember"] as const)(
    "of `%s` ends the run, which rejects with the same, and says how far it came",
    async (step) => {
      const failIn = (name: string): string => {
        if (name === step) throw error;
        return name;
      };
      const agent = createAgentExecutor({
        name: "bot",
        model,
        recall: () => [failIn("recall")],
        think: (_turn: Turn<string>) => failIn("think"),
        decide: () => {
          failIn("decide");
          return { type: "act", tool: "look_up", arguments: {} };
        },
        act: () => {},
        remember: () => failIn("remember"),
      });

      await expect(agent.run("task")).rejects.toBe(error);

      expect(attributesOf("invoke_agent bot")).toMatchObject({
        "error.type": "not_found",
        "waybill.agent.stop_reason": "error",
        "waybill.agent.iterations": step === "remember" ? 1 : 0,
      });
      const described = recording.spans().filter(({ events }) => events.length > 0);
      expect(described).toHaveLength(1);
      expect(recording.open()).toBe(0);
    },
  );

  it("of a thought passes, though its cost is no number", async () => {
    const agent = createAgentExecutor({
      name: "bot",
      model,
      budget: { cost: 1, costOf: () => Number.NaN },
      think: (_turn: Turn<string>, span): string => {
        span.recordResponse({ usage });
        throw error;
      },
      decide: (thought) => ({ type: "respond", output: thought }),
      act: () => {},
    });

    await expect(agent.run("task")).rejects.toBe(error);
  });

  it("of a step after an abort is an error, not an abort, if it says something else", async () => {
    const controller = new AbortController();
    const agent = createAgentExecutor({
      name: "bot",
      model,
      think: (_turn: Turn<string>): string => {
        controller.abort();
        throw error;
      },
      decide: (thought) => ({ type: "respond", output: thought }),
      act: () => {},
    });

    const run = agent.run("task", undefined, { signal: controller.signal });

    await expect(run).rejects.toBe(error);
  });
});

describe("a traced client inside `think`", () => {
  const agent = createAgentExecutor({
    name: "bot",
    model: { provider: "openai", model: "gpt-5", server: { address: "proxy.local" } },
    budget: { tokens: 12 },
    think: async (_turn: Turn<string>) => {
      await Promise.resolve();
      return traceLlmCall({ provider: "openai", model: "gpt-5" }, async (span) => {
        await Promise.resolve();
        span.recordResponse({ id: "resp_1", usage });
        return "thought";
      });
    },
    decide: () => ({ type: "act", tool: "look_up", arguments: {} }),
    act: () => {},
  });

  it("shares the span of the model call, and its usage counts", async () => {
    const { stopReason, usage: used } = await agent.run("task");

    expect([stopReason, used]).toEqual(["token_budget", usage]);
    expect(spanTree(recording.spans())).toBe(`
invoke_agent bot
  iteration
    chat gpt-5
    decision next_step
    execute_tool look_up
`);
    expect(attributesOf("chat gpt-5")).toMatchObject({
      "server.address": "proxy.local",
      "gen_ai.response.id": "resp_1",
      "gen_ai.usage.input_tokens": 10,
    });
  });

  it("counts against the budget though no sampler wanted the span", async () => {
    await recording.stop();
    recording = startRecording({
      sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }) },
    });

    const { stopReason, usage: used } = await agent.run("task");

    expect([stopReason, used]).toEqual(["token_budget", usage]);
    expect(recording.spans()).toEqual([]);
  });
});

describe("the types of an agent", () => {
  it("follow from its steps", async () => {
    const agent = createAgentExecutor({
      name: "support-bot",
      model,
      think: async ({ task, config }: Turn<string, { readonly language: string }>) => ({
        text: `${task} in ${config.language}`,
        calls: [{ name: "look_up", id: "A-1" }].slice(task.length),
      }),
      decide: ({ calls: [call], text }, { iteration }) =>
        call && iteration < 3
          ? { type: "act", tool: call.name, arguments: { id: call.id } }
          : { type: "respond", output: { text } },
      act: async ({ tool, arguments: { id } }, { signal }) => ({ tool, id, late: signal.aborted }),
      remember: ({ observation, thought }) => [observation?.late, thought.calls],
    });

    const { output, iterations } = await agent.run("task", { language: "en" });

    expect(output).toEqual({ text: "task in en" });
    expectTypeOf(output).toEqualTypeOf<{ text: string } | undefined>();
    expectTypeOf(iterations).toEqualTypeOf<
      readonly Iteration<
        { text: string; calls: { name: string; id: string }[] },
        { id: string },
        { tool: string; id: string; late: boolean },
        { text: string }
      >[]
    >();
    expectTypeOf(agent.run).parameter(0).toBeString();
    // @ts-expect-error -- the configuration is not left out where the steps need it
    const run = () => agent.run("task");
    expect(run).toBeTypeOf("function");
  });

  it("let a step look at what the iterations hold, if it says what that is", async () => {
    type Past = Iteration<string, { readonly id: string }, number>;
    const agent = createAgentExecutor({
      name: "bot",
      model,
      recall: () => ["a note"],
      think: ({ iterations, memories }: Turn<string, unknown, Past, string>) =>
        [
          ...memories.map((note) => note.toUpperCase()),
          ...iterations.map(({ thought, observation = 0 }) => thought.slice(observation)),
        ].join(", "),
      decide: (thought, { iteration }) =>
        iteration > 1
          ? { type: "respond", output: thought }
          : { type: "act", tool: "look_up", arguments: { id: thought } },
      act: ({ arguments: { id } }) => id.length - 4,
    });

    const { output } = await agent.run("task");

    expectTypeOf(output).toEqualTypeOf<string | undefined>();
    expect(output).toBe("A NOTE, NOTE");
  });
});

describe("createAgentExecutor, used wrongly", () => {
  const steps = { think: () => 1, decide: () => ({}), act: () => 1 };
  const right = { name: "bot", model, ...steps };

  it.each([
    [{ ...right, name: undefined }, "option `name` is required"],
    [{ ...right, name: 7 }, "option `name` must be a string, got 7"],
    [{ ...right, model: undefined }, "option `model` is required"],
    [{ ...right, model: "gpt-5" }, 'option `model` must be an object or a function, got "gpt-5"'],
    [{ ...right, model: { model: "gpt-5" } }, "option `provider` is required"],
    [{ ...right, think: undefined }, "option `think` is required"],
    [{ ...right, decide: "refund" }, 'option `decide` must be a function, got "refund"'],
    [{ ...right, act: undefined }, "option `act` is required"],
    [{ ...right, recall: [] }, "option `recall` must be a function, got []"],
    [{ ...right, remember: true }, "option `remember` must be a function, got true"],
    [{ ...right, tools: [1] }, "option `tools` must be an array of strings, got [1]"],
    [{ ...right, maxIterations: 0 }, "option `maxIterations` must be at least 1, got 0"],
    [{ ...right, maxIterations: 1.5 }, "option `maxIterations` must be a non-negative integer"],
    [{ ...right, budget: 5 }, "option `budget` must be an object, got 5"],
    [{ ...right, budget: { token: 5 } }, "unknown option `token`"],
    [{ ...right, budget: { tokens: -1 } }, "option `tokens` must be a non-negative integer"],
    [{ ...right, budget: { cost: 5 } }, "option `cost` needs `costOf`"],
    [{ ...right, captureContent: "all" }, "option `captureContent` must be a boolean or an object"],
    [{ ...right, nowMs: 5 }, "option `nowMs` must be a function, got 5"],
    [{ ...right, maxIteration: 5 }, "unknown option `maxIteration`"],
  ])("names the wrong option of %j", (options, message) => {
    const create = () => createAgentExecutor(options as never);

    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });
});
