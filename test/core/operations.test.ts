import { SpanKind } from "@opentelemetry/api";
import type { Attributes } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import type { Sampler } from "@opentelemetry/sdk-trace";
import {
  configureWaybill,
  traceAgentRun,
  traceDecision,
  traceEmbeddings,
  traceIteration,
  traceLlmCall,
  traceMemoryOperation,
  tracePlan,
  traceRetrieval,
  traceToolCall,
  traceWorkflow,
  withIdentity,
} from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { EVERY_OPERATION } from "./every-operation.ts";

const atCreation = new Map<string, Attributes>();
const sampler: Pick<Sampler, "shouldSample"> = {
  shouldSample(_context, _traceId, name, _kind, attributes) {
    atCreation.set(name, { ...attributes });
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  },
};

let recording: Recording;
beforeEach(() => {
  atCreation.clear();
  recording = startRecording({ sampler });
});
afterEach(async () => {
  vi.useRealTimers();
  await recording.stop();
});

/** All that was recorded of the one span: what samplers saw of it, and what was added after its start. */
function theSpan(): { name: string; kind: string; created: Attributes; added: Attributes } {
  const [span, ...others] = recording.spans();
  expect(others).toEqual([]);
  const { name = "", kind = SpanKind.INTERNAL, attributes = {} } = span ?? {};
  const created = atCreation.get(name) ?? {};
  const added = Object.fromEntries(Object.entries(attributes).filter(([key]) => !(key in created)));
  expect(attributes).toMatchObject(created);
  return { name, kind: SpanKind[kind], created, added };
}

const server = { address: "api.openai.com", port: 443 };

describe("traceAgentRun", () => {
  it("makes a span with the agent and its task at the start and the result at the end", () => {
    traceAgentRun(
      {
        agent: { name: "support-bot", version: "7", configId: "c-1" },
        description: "Answers customers",
        type: "react",
        taskLength: 12,
      },
      (span) => {
        span.recordResult({
          iterations: 2,
          stopReason: "respond",
          usage: { inputTokens: 7, outputTokens: 0, cacheReadTokens: 3 },
        });
      },
    );

    expect(theSpan()).toEqual({
      name: "invoke_agent support-bot",
      kind: "INTERNAL",
      created: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "support-bot",
        "gen_ai.agent.description": "Answers customers",
        "waybill.agent.type": "react",
        "waybill.agent.task_length": 12,
      },
      added: {
        "waybill.agent.version": "7",
        "waybill.agent.config_id": "c-1",
        "waybill.agent.iterations": 2,
        "waybill.agent.stop_reason": "respond",
        "waybill.usage.input_tokens": 7,
        "waybill.usage.output_tokens": 0,
      },
    });
  });

  it("makes a span without a name for an agent that has none", () => {
    traceAgentRun({}, (span) => span.recordResult({}));

    expect(theSpan()).toEqual({
      name: "invoke_agent",
      kind: "INTERNAL",
      created: { "gen_ai.operation.name": "invoke_agent" },
      added: {},
    });
  });

  it("cleans and bounds the agent's name wherever it stands", () => {
    traceAgentRun({ agent: { name: `line\nbreak ${"x".repeat(500)}` } }, () => {});

    const { name, created } = theSpan();
    expect(created["gen_ai.agent.name"]).toBe(`linebreak ${"x".repeat(118)}`);
    expect(name).toBe(`invoke_agent ${String(created["gen_ai.agent.name"])}`);
  });
});

describe("traceWorkflow", () => {
  it("makes a span with the workflow's name", () => {
    traceWorkflow({ workflow: "refunds" }, () => {});

    expect(theSpan()).toEqual({
      name: "invoke_workflow refunds",
      kind: "INTERNAL",
      created: {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "refunds",
      },
      added: {},
    });
  });

  it("makes a span without a name for a workflow that has none", () => {
    traceWorkflow({}, () => {});

    expect(theSpan()).toEqual({
      name: "invoke_workflow",
      kind: "INTERNAL",
      created: { "gen_ai.operation.name": "invoke_workflow" },
      added: {},
    });
  });
});

describe("tracePlan", () => {
  it("makes a span with the name of the agent that plans", () => {
    tracePlan({ agent: "planner" }, () => {});

    expect(theSpan()).toEqual({
      name: "plan planner",
      kind: "INTERNAL",
      created: { "gen_ai.operation.name": "plan" },
      added: { "gen_ai.agent.name": "planner" },
    });
  });

  it("takes the agent at work, if none is named", () => {
    withIdentity({ agent: { name: "support-bot" } }, () => tracePlan({}, () => {}));

    expect(theSpan()).toEqual({
      name: "plan support-bot",
      kind: "INTERNAL",
      created: { "gen_ai.operation.name": "plan" },
      added: { "gen_ai.agent.name": "support-bot" },
    });
  });

  it("makes a span without a name where no agent is known", () => {
    tracePlan({}, () => {});

    expect(theSpan()).toMatchObject({ name: "plan", added: {} });
  });
});

describe("traceLlmCall", () => {
  it.each(["chat", "generate_content", "text_completion"] as const)(
    "makes a %s span of a client, which samplers know by provider, model and server",
    (operation) => {
      traceLlmCall({ operation, provider: "openai", model: "gpt-5", server }, () => {});

      expect(theSpan()).toEqual({
        name: `${operation} gpt-5`,
        kind: "CLIENT",
        created: {
          "gen_ai.operation.name": operation,
          "gen_ai.provider.name": "openai",
          "gen_ai.request.model": "gpt-5",
          "server.address": "api.openai.com",
          "server.port": 443,
        },
        added: {},
      });
    },
  );

  it("makes a chat span without a model where none is named", () => {
    traceLlmCall({ provider: "openai" }, () => {});

    expect(theSpan()).toEqual({
      name: "chat",
      kind: "CLIENT",
      created: { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
      added: {},
    });
  });

  it("records every parameter of the request", () => {
    traceLlmCall(
      {
        provider: "openai",
        request: {
          temperature: 0,
          topP: 0.9,
          topK: 40,
          maxTokens: 100,
          frequencyPenalty: -0.5,
          presencePenalty: 0.5,
          stopSequences: ["END"],
          seed: 7,
          choiceCount: 2,
          stream: true,
          outputType: "json",
          reasoningLevel: "high",
          previousResponseId: "resp_0",
          prompt: { name: "greeting", version: "3" },
          conversationCompacted: true,
          tools: [{ name: "look_up" }],
        },
      },
      () => {},
    );

    expect(theSpan().added).toEqual({
      "gen_ai.request.temperature": 0,
      "gen_ai.request.top_p": 0.9,
      "gen_ai.request.top_k": 40,
      "gen_ai.request.max_tokens": 100,
      "gen_ai.request.frequency_penalty": -0.5,
      "gen_ai.request.presence_penalty": 0.5,
      "gen_ai.request.stop_sequences": ["END"],
      "gen_ai.request.seed": 7,
      "gen_ai.request.choice.count": 2,
      "gen_ai.request.stream": true,
      "gen_ai.output.type": "json",
      "gen_ai.request.reasoning.level": "high",
      "gen_ai.request.previous_response.id": "resp_0",
      "gen_ai.prompt.name": "greeting",
      "gen_ai.prompt.version": "3",
      "gen_ai.conversation.compacted": true,
    });
  });

  it("leaves out what says nothing: no streaming, one choice, what is undefined or no number", () => {
    traceLlmCall(
      {
        provider: "openai",
        request: {
          stream: false,
          choiceCount: 1,
          seed: Number.NaN,
          topP: undefined,
          conversationCompacted: false,
        },
      },
      (span) => span.recordResponse({ id: undefined, usage: { inputTokens: Number.NaN } }),
    );

    expect(theSpan().added).toEqual({});
  });

  it("records the response and its usage, parts of the usage only where there are any", () => {
    traceLlmCall({ provider: "openai" }, (span) => {
      span.recordResponse({
        id: "resp_1",
        model: "gpt-5-2026",
        finishReasons: ["stop", "tool_call"],
        usage: {
          inputTokens: 10,
          outputTokens: 0,
          cacheReadTokens: 4,
          cacheWriteTokens: 0,
          reasoningTokens: 2,
        },
      });
    });

    expect(theSpan().added).toEqual({
      "gen_ai.response.id": "resp_1",
      "gen_ai.response.model": "gpt-5-2026",
      "gen_ai.response.finish_reasons": ["stop", "tool_call"],
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 0,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "gen_ai.usage.reasoning.output_tokens": 2,
    });
  });

  it("records what was written to the cache under the one name that today's readers know", () => {
    traceLlmCall({ provider: "anthropic" }, (span) => {
      span.recordResponse({ usage: { cacheWriteTokens: 5 } });
    });

    expect(theSpan().added).toEqual({ "gen_ai.usage.cache_creation.input_tokens": 5 });
  });

  it("says which attempt it is, from the second on", () => {
    traceLlmCall({ provider: "openai", model: "first", attempt: 1 }, () => {});
    traceLlmCall({ provider: "openai", model: "second", attempt: 2 }, () => {});

    const attempts = recording.spans().map(({ attributes }) => attributes["waybill.attempt"]);
    expect(attempts).toEqual([undefined, 2]);
  });

  it("gives the time to the first chunk, in seconds, and of later ones nothing", () => {
    vi.useFakeTimers({ toFake: ["performance"] });

    traceLlmCall({ provider: "openai" }, (span) => {
      vi.advanceTimersByTime(250);
      span.recordChunk();
      vi.advanceTimersByTime(1000);
      span.recordChunk();
    });

    expect(theSpan().added).toEqual({ "gen_ai.response.time_to_first_chunk": 0.25 });
  });
});

describe("traceEmbeddings", () => {
  it("makes a client's span with what was asked for and what came back", () => {
    traceEmbeddings(
      {
        provider: "openai",
        model: "ada",
        server,
        encodingFormats: ["float"],
        dimensions: 256,
      },
      (span) => span.recordResponse({ model: "ada-2", dimensions: 255, usage: { inputTokens: 9 } }),
    );

    expect(theSpan()).toEqual({
      name: "embeddings ada",
      kind: "CLIENT",
      created: {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "ada",
        "server.address": "api.openai.com",
        "server.port": 443,
      },
      added: {
        "gen_ai.request.encoding_formats": ["float"],
        "gen_ai.embeddings.dimension.count": 255,
        "gen_ai.response.model": "ada-2",
        "gen_ai.usage.input_tokens": 9,
      },
    });
  });
});

describe("traceRetrieval", () => {
  it("makes a client's span with the data source and the number of documents asked for", () => {
    traceRetrieval({ dataSource: "handbook", topK: 3 }, () => {});

    expect(theSpan()).toEqual({
      name: "retrieval handbook",
      kind: "CLIENT",
      created: {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "handbook",
        "gen_ai.retrieval.top_k": 3,
      },
      added: {},
    });
  });

  it("makes a span without a name where the data source has none", () => {
    traceRetrieval({}, () => {});

    expect(theSpan()).toMatchObject({
      name: "retrieval",
      created: { "gen_ai.operation.name": "retrieval" },
    });
  });
});

describe("traceToolCall", () => {
  it("makes a span with the tool, and the size of what goes in and comes out", async () => {
    const result = await traceToolCall(
      {
        tool: "look_up",
        callId: "call_1",
        description: "Looks an order up",
        arguments: { id: "A-1", note: "“quoted”" },
      },
      async () => ({ status: "shipped" }),
    );

    expect(result).toEqual({ status: "shipped" });
    expect(theSpan()).toEqual({
      name: "execute_tool look_up",
      kind: "INTERNAL",
      created: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.type": "function",
      },
      added: {
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.description": "Looks an order up",
        "waybill.tool.input_bytes": Buffer.byteLength('{"id":"A-1","note":"“quoted”"}'),
        "waybill.tool.input_keys": ["id", "note"],
        "waybill.tool.output_bytes": 20,
      },
    });
  });

  it.each(["extension", "datastore"] as const)(
    "tells samplers that a tool is of type %s",
    (type) => {
      traceToolCall({ tool: "look_up", type }, () => {});

      expect(theSpan().created["gen_ai.tool.type"]).toBe(type);
    },
  );

  it.each([
    ["a string", "añb", 4],
    ["a number", 12.5, 4],
    ["null", null, 4],
    ["an array", [1, 2], 5],
    ["bytes", new Uint8Array(300), 300],
  ])("knows the size of a result that is %s", (_title, result, bytes) => {
    traceToolCall({ tool: "look_up" }, () => result);

    expect(theSpan().added).toEqual({ "waybill.tool.output_bytes": bytes });
  });

  it.each([
    ["nothing", undefined],
    ["a function", () => 1],
    ["a circular value", circular()],
  ])("does not know the size of a result that is %s", (_title, result) => {
    expect(traceToolCall({ tool: "look_up" }, () => result)).toBe(result);

    expect(theSpan().added).toEqual({});
  });

  it("prefers the result that was recorded to the one that was returned", () => {
    traceToolCall({ tool: "look_up" }, (span) => {
      span.recordResult(() => "the real result");
      return { wrapped: "the real result", more: true };
    });

    expect(theSpan().added).toEqual({ "waybill.tool.output_bytes": 15 });
  });

  it("shares a span with the same call, known by its id, and not with another one inside it", () => {
    traceToolCall({ tool: "look_up", callId: "call_1" }, () =>
      traceToolCall({ tool: "look_up", callId: "call_1" }, () =>
        traceToolCall({ tool: "look_up", callId: "call_2" }, () => {}),
      ),
    );

    expect(spanTree(recording.spans())).toBe(`
execute_tool look_up
  execute_tool look_up
`);
  });

  it("bounds the names of the arguments, and redacts them as it does texts", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key${index}`, 0]));

    traceToolCall(
      { tool: "look_up", arguments: { "ada@example.com": 1, ["k".repeat(1000)]: 1, ...many } },
      () => {},
    );

    const keys = theSpan().added["waybill.tool.input_keys"] as string[];
    expect(keys).toHaveLength(32);
    expect(keys[0]).not.toContain("ada@");
    expect(keys[1]).toBe("k".repeat(64));
  });
});

describe("traceMemoryOperation", () => {
  const OPERATIONS = [
    "search_memory",
    "create_memory",
    "update_memory",
    "upsert_memory",
    "delete_memory",
    "create_memory_store",
    "delete_memory_store",
  ] as const;

  it.each(OPERATIONS.flatMap((operation) => [[operation, false] as const, [operation, true]]))(
    "makes a %s span, with remote = %s",
    (operation, remote) => {
      traceMemoryOperation(
        { operation, remote, type: "profile", storeId: "m-1", recordId: "r-1" },
        (span) => span.recordRecords([{ content: "a" }, { content: "b" }]),
      );

      expect(theSpan()).toEqual({
        name: operation,
        kind: remote ? "CLIENT" : "INTERNAL",
        created: {
          "gen_ai.operation.name": operation,
          "gen_ai.memory.store.id": "m-1",
          "gen_ai.memory.record.id": "r-1",
          "waybill.memory.type": "profile",
        },
        added: { "gen_ai.memory.record.count": 2 },
      });
    },
  );

  it("is in this process unless told otherwise, and counts that nothing was found", () => {
    traceMemoryOperation({ operation: "search_memory" }, (span) => span.recordRecords([]));

    expect(theSpan()).toEqual({
      name: "search_memory",
      kind: "INTERNAL",
      created: { "gen_ai.operation.name": "search_memory" },
      added: { "gen_ai.memory.record.count": 0 },
    });
  });
});

describe("traceDecision", () => {
  it("makes a span with the kind, the number of options and what was chosen", () => {
    traceDecision({ type: "route_request", options: ["refund", "search"] }, (span) =>
      span.recordDecision({ chosen: "search", reason: "asked where it is" }),
    );

    expect(theSpan()).toEqual({
      name: "decision route_request",
      kind: "INTERNAL",
      created: { "waybill.decision.type": "route_request", "waybill.decision.option_count": 2 },
      added: { "waybill.decision.chosen": "search" },
    });
  });

  it("bounds what was chosen, and survives what a model chose wrongly", () => {
    traceDecision({ type: "long" }, (span) => span.recordDecision({ chosen: "x".repeat(1000) }));
    traceDecision({ type: "wrong" }, (span) =>
      span.recordDecision({ chosen: undefined as unknown as string }),
    );

    const chosen = recording.spans().map(({ attributes }) => attributes["waybill.decision.chosen"]);
    expect(chosen).toEqual(["x".repeat(256), undefined]);
  });

  it("is no GenAI span: it carries neither the conversation nor the agent's name", () => {
    withIdentity({ userId: "u-1", conversationId: "c-1", agent: { name: "bot" } }, () => {
      traceDecision({ type: "route_request" }, () => {});
    });

    expect(theSpan().added).toEqual({ "user.id": "u-1" });
  });
});

describe("traceIteration", () => {
  it("makes a span with the number of the iteration", () => {
    traceIteration({ iteration: 3 }, () => {});

    expect(theSpan()).toEqual({
      name: "iteration",
      kind: "INTERNAL",
      created: { "waybill.iteration": 3 },
      added: {},
    });
  });
});

describe.each(EVERY_OPERATION)("every operation, here %s", (name, operation) => {
  it("hands the result on and ends", () => {
    const result = operation({}, () => 42);

    expect(result).toBe(42);
    expect(spanTree(recording.spans())).toBe(`\n${name}\n`);
  });

  it("shows samplers the attributes that it was given, which win over its own", () => {
    operation({ attributes: { tenant: "acme", "gen_ai.operation.name": "custom" } }, () => {});

    expect(theSpan().created).toMatchObject({ tenant: "acme", "gen_ai.operation.name": "custom" });
  });

  it("starts in the context that it was given", () => {
    const parent = operation({}, (span) => span.context);
    operation({ parent }, () => {});

    const [first, second] = recording.spans();
    expect(second?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
  });

  it("carries the identity", () => {
    withIdentity({ userId: "u-1", sessionId: "s-1" }, () => operation({}, () => {}));

    expect(theSpan().added).toMatchObject({ "user.id": "u-1", "session.id": "s-1" });
  });
});

it("makes one tree of a whole agent's run", async () => {
  await traceWorkflow({ workflow: "support" }, () =>
    traceAgentRun({ agent: { name: "support-bot" } }, async () => {
      traceMemoryOperation({ operation: "search_memory" }, () => {});
      await tracePlan({}, () =>
        traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {}),
      );
      await traceIteration({ iteration: 1 }, async () => {
        traceRetrieval({ dataSource: "handbook" }, () =>
          traceEmbeddings({ provider: "openai", model: "ada" }, () => {}),
        );
        traceDecision({ type: "route" }, () => {});
        await traceToolCall({ tool: "look_up" }, () =>
          traceAgentRun({ agent: { name: "summarizer" } }, async () => {
            await traceLlmCall({ provider: "openai", model: "gpt-5-mini" }, async () => {});
          }),
        );
      });
    }),
  );

  expect(spanTree(recording.spans(), { kinds: true })).toBe(`
invoke_workflow support (INTERNAL)
  invoke_agent support-bot (INTERNAL)
    search_memory (INTERNAL)
    plan support-bot (INTERNAL)
      chat gpt-5 (CLIENT)
    iteration (INTERNAL)
      retrieval handbook (CLIENT)
        embeddings ada (CLIENT)
      decision route (INTERNAL)
      execute_tool look_up (INTERNAL)
        invoke_agent summarizer (INTERNAL)
          chat gpt-5-mini (CLIENT)
`);
  const agentOf = (name: string) =>
    spanNamed(recording.spans(), name).attributes["gen_ai.agent.name"];
  expect(agentOf("execute_tool look_up")).toBe("support-bot");
  expect(agentOf("chat gpt-5-mini")).toBe("summarizer");
});

describe("without an SDK", () => {
  it("runs the code, passes results and errors on, and computes no content", async () => {
    await recording.stop();
    configureWaybill({ captureContent: true });
    const error = new Error("still the same");
    let computed = 0;

    const result = await traceAgentRun({ agent: { name: "bot" } }, async (span) => {
      span.recordInput(() => (computed += 1));
      return "result";
    });
    const failure = traceToolCall({ tool: "look_up" }, async () => {
      throw error;
    });

    expect(result).toBe("result");
    await expect(failure).rejects.toBe(error);
    expect(computed).toBe(0);
    expect(recording.spans()).toEqual([]);
    configureWaybill({ captureContent: false });
  });
});

function circular(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

it.each([
  ["traceRetrieval", () => traceRetrieval({ ...PROVIDED, dataSource: "handbook" }, () => {})],
  [
    "traceMemoryOperation",
    () => traceMemoryOperation({ ...PROVIDED, operation: "search_memory", remote: true }, () => {}),
  ],
])("%s tells who provides it, and where", (_title, run) => {
  run();

  expect(recording.spans()[0]?.attributes).toMatchObject({
    "gen_ai.provider.name": "aws.bedrock",
    "server.address": "kb.example",
    "server.port": 8443,
  });
});

const PROVIDED = { provider: "aws.bedrock", server: { address: "kb.example", port: 8443 } };
