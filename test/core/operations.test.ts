import { SpanKind } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import type { Sampler } from "@opentelemetry/sdk-trace";
import {
  configureWaybill,
  traceAgentRun,
  traceLlmCall,
  traceMemoryOperation,
  traceRetrieval,
  traceToolCall,
} from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

const atCreation = new Map<string, object>();
const sampler: Sampler = {
  shouldSample(_context, _traceId, name, _kind, attributes) {
    atCreation.set(name, { ...attributes });
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  },
  toString: () => "a sampler that watches",
};

let recording: Recording;
beforeEach(() => {
  atCreation.clear();
  recording = startRecording({ sampler });
});
afterEach(() => recording.stop());

describe("the agent operations", () => {
  it("make one tree with the names of the conventions", async () => {
    await traceAgentRun(
      { agent: { name: "support-bot" }, type: "react", taskLength: 12 },
      async (run) => {
        traceMemoryOperation(
          { operation: "search_memory", type: "conversation", storeId: "m-1" },
          (span) => span.recordRecords([{ content: "earlier" }]),
        );
        traceRetrieval({ dataSource: "handbook", topK: 3 }, () => {});
        await traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {});
        await traceToolCall(
          { tool: "look_up", callId: "call_1", description: "Looks up" },
          async () => {
            traceLlmCall(
              { provider: "openai", model: "ada", operation: "text_completion" },
              () => {},
            );
          },
        );
        run.recordResult({
          iterations: 2,
          stopReason: "respond",
          usage: { inputTokens: 7, outputTokens: 2 },
        });
      },
    );

    expect(spanTree(recording.spans(), { kinds: true })).toBe(`
invoke_agent support-bot (INTERNAL)
  search_memory (INTERNAL)
  retrieval handbook (CLIENT)
  chat gpt-5 (CLIENT)
  execute_tool look_up (INTERNAL)
    text_completion ada (CLIENT)
`);
    const attributes = (name: string) => spanNamed(recording.spans(), name).attributes;
    expect(attributes("invoke_agent support-bot")).toEqual({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "support-bot",
      "waybill.agent.type": "react",
      "waybill.agent.task_length": 12,
      "waybill.agent.iterations": 2,
      "waybill.agent.stop_reason": "respond",
      "waybill.usage.input_tokens": 7,
      "waybill.usage.output_tokens": 2,
    });
    expect(attributes("search_memory")).toEqual({
      "gen_ai.operation.name": "search_memory",
      "gen_ai.agent.name": "support-bot",
      "gen_ai.memory.store.id": "m-1",
      "gen_ai.memory.record.count": 1,
      "waybill.memory.type": "conversation",
    });
    expect(attributes("retrieval handbook")).toMatchObject({
      "gen_ai.data_source.id": "handbook",
      "gen_ai.retrieval.top_k": 3,
    });
    expect(attributes("execute_tool look_up")).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.agent.name": "support-bot",
      "gen_ai.tool.name": "look_up",
      "gen_ai.tool.type": "function",
      "gen_ai.tool.call.id": "call_1",
      "gen_ai.tool.description": "Looks up",
    });
  });

  it("show samplers what the conventions say that they need", () => {
    const server = { address: "api.openai.com", port: 443 };
    traceLlmCall(
      { provider: "openai", model: "gpt-5", server, request: { temperature: 0 } },
      () => {},
    );
    traceToolCall({ tool: "look_up" }, () => {});

    expect(atCreation.get("chat gpt-5")).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "server.address": "api.openai.com",
      "server.port": 443,
    });
    expect(atCreation.get("execute_tool look_up")).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "look_up",
      "gen_ai.tool.type": "function",
    });
  });
});

describe("traceLlmCall", () => {
  it("records the request, the response and the usage, leaving out what is not known", () => {
    traceLlmCall(
      {
        provider: "openai",
        model: "gpt-5",
        attempt: 2,
        request: {
          temperature: 0,
          maxTokens: 100,
          stopSequences: ["END"],
          stream: true,
          seed: Number.NaN,
        },
      },
      (span) => {
        span.recordChunk();
        span.recordChunk();
        span.recordResponse({
          id: "resp_1",
          model: "gpt-5-2026",
          finishReasons: ["stop"],
          usage: {
            inputTokens: 10,
            outputTokens: 0,
            cacheReadTokens: 4,
            cacheWriteTokens: 0,
            reasoningTokens: undefined,
          },
        });
      },
    );

    const { kind, attributes } = spanNamed(recording.spans(), "chat gpt-5");
    expect(kind).toBe(SpanKind.CLIENT);
    expect(attributes).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.request.temperature": 0,
      "gen_ai.request.max_tokens": 100,
      "gen_ai.request.stop_sequences": ["END"],
      "gen_ai.request.stream": true,
      "gen_ai.response.id": "resp_1",
      "gen_ai.response.model": "gpt-5-2026",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 0,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "waybill.attempt": 2,
    });
  });
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
