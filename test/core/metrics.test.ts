import { metrics } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import type { HistogramMetricData } from "@opentelemetry/sdk-metrics";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { traceEmbeddings, traceLlmCall, traceToolCall } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const DURATION = "gen_ai.client.operation.duration";
const TOKENS = "gen_ai.client.token.usage";
const FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk";
const LATER_CHUNK = "gen_ai.client.operation.time_per_output_chunk";

class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

let recording: Recording;
let reader: TestReader;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  recording = startRecording();
  reader = new TestReader();
});
afterEach(async () => {
  vi.useRealTimers();
  metrics.disable();
  await reader.shutdown();
  await recording.stop();
});

function registerProvider(): void {
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
}

async function collected(): Promise<HistogramMetricData[]> {
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  return resourceMetrics.scopeMetrics.flatMap(
    (scope) => scope.metrics as readonly HistogramMetricData[],
  );
}

/** What a metric has counted: for each set of attributes, how many values and their sum. */
async function points(
  name: string,
): Promise<{ attributes: object; count: number; sum: number | undefined }[]> {
  const metric = (await collected()).find(({ descriptor }) => descriptor.name === name);
  return (metric?.dataPoints ?? []).map(({ attributes, value: { count, sum } }) => ({
    attributes,
    count,
    sum,
  }));
}

const model = { provider: "openai", model: "gpt-5" };
const COMMON = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-5",
};

describe("the metrics of model calls", () => {
  it("are the four of the conventions, with their units and buckets", async () => {
    registerProvider();

    await Array.fromAsync(
      traceLlmCall(model, async function* (span) {
        yield "a";
        yield "b";
        span.recordResponse({ usage: { inputTokens: 1 } });
      }),
    );

    const seconds = [
      0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ];
    const tokens = [
      1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
      67_108_864,
    ];
    const found = (await collected()).map(({ descriptor, dataPoints }) => [
      descriptor.name,
      descriptor.unit,
      dataPoints[0]?.value.buckets.boundaries,
    ]);
    expect(Object.fromEntries(found.map(([name, ...rest]) => [name, rest]))).toEqual({
      [DURATION]: ["s", seconds],
      [TOKENS]: ["{token}", tokens],
      [FIRST_CHUNK]: ["s", seconds],
      [LATER_CHUNK]: ["s", seconds],
    });
    expect(found).toHaveLength(4);
  });

  it("carry what is common to them: operation, provider, models and server", async () => {
    registerProvider();

    traceLlmCall(
      {
        ...model,
        operation: "text_completion",
        server: { address: "api.openai.com", port: 443 },
        attributes: { tenant: "acme" },
        request: { temperature: 0 },
      },
      (span) => {
        vi.advanceTimersByTime(1500);
        span.recordResponse({
          model: "gpt-5-2026",
          usage: { inputTokens: 10, outputTokens: 3, cacheReadTokens: 4 },
        });
      },
    );

    const common = {
      "gen_ai.operation.name": "text_completion",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.response.model": "gpt-5-2026",
      "server.address": "api.openai.com",
      "server.port": 443,
    };
    expect(await points(DURATION)).toEqual([{ attributes: common, count: 1, sum: 1.5 }]);
    expect(await points(TOKENS)).toEqual([
      { attributes: { ...common, "gen_ai.token.type": "input" }, count: 1, sum: 10 },
      { attributes: { ...common, "gen_ai.token.type": "output" }, count: 1, sum: 3 },
    ]);
  });

  it("count embeddings, too, and no other operation", async () => {
    registerProvider();

    traceEmbeddings({ provider: "openai", model: "ada" }, (span) =>
      span.recordResponse({ usage: { inputTokens: 5 } }),
    );
    traceToolCall({ tool: "look_up" }, () => {});

    const common = {
      "gen_ai.operation.name": "embeddings",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "ada",
    };
    expect(await points(DURATION)).toEqual([{ attributes: common, count: 1, sum: 0 }]);
    expect(await points(TOKENS)).toEqual([
      { attributes: { ...common, "gen_ai.token.type": "input" }, count: 1, sum: 5 },
    ]);
  });

  it("leave out the usage that was not told, and count zero that was", async () => {
    registerProvider();

    traceLlmCall(model, () => {});
    traceLlmCall(model, (span) =>
      span.recordResponse({ usage: { inputTokens: 0, outputTokens: Number.NaN } }),
    );

    expect(await points(TOKENS)).toEqual([
      { attributes: { ...COMMON, "gen_ai.token.type": "input" }, count: 1, sum: 0 },
    ]);
    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 2, sum: 0 }]);
  });

  it("tell failures by their type, and aborts from failures", async () => {
    registerProvider();
    const rateLimit = Object.assign(new Error("slow down"), { status: 429 });
    const signal = AbortSignal.abort();

    const failed = traceLlmCall(model, async () => {
      throw rateLimit;
    });
    const aborted = traceLlmCall({ ...model, signal }, async () => signal.throwIfAborted());

    await expect(failed).rejects.toBe(rateLimit);
    await expect(aborted).rejects.toBe(signal.reason);
    expect(await points(DURATION)).toEqual([
      { attributes: { ...COMMON, "error.type": "429" }, count: 1, sum: 0 },
      { attributes: COMMON, count: 1, sum: 0 },
    ]);
  });

  it("time the first chunk of a stream from the request on, and each later one from the one before", async () => {
    registerProvider();
    const stream = traceLlmCall(model, async function* () {
      for (const delayMs of [300, 20, 40]) {
        vi.advanceTimersByTime(delayMs);
        yield delayMs;
      }
      vi.advanceTimersByTime(40);
    });

    expect(await Array.fromAsync(stream)).toEqual([300, 20, 40]);

    expect(await points(FIRST_CHUNK)).toEqual([{ attributes: COMMON, count: 1, sum: 0.3 }]);
    expect(await points(LATER_CHUNK)).toEqual([{ attributes: COMMON, count: 2, sum: 0.06 }]);
    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0.4 }]);
  });

  it("time the chunks that are told by hand", async () => {
    registerProvider();

    traceLlmCall(model, (span) => {
      for (const delayMs of [500, 250, 250]) {
        vi.advanceTimersByTime(delayMs);
        span.recordChunk();
      }
    });

    expect(await points(FIRST_CHUNK)).toEqual([{ attributes: COMMON, count: 1, sum: 0.5 }]);
    expect(await points(LATER_CHUNK)).toEqual([{ attributes: COMMON, count: 2, sum: 0.5 }]);
  });

  it("count a call once that two instrumentations see", async () => {
    registerProvider();

    await traceLlmCall(model, async () => {
      await traceLlmCall(model, async (span) => {
        span.recordChunk();
        span.recordResponse({ usage: { inputTokens: 7 } });
      });
    });

    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);
    expect(await points(FIRST_CHUNK)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);
    expect(await points(TOKENS)).toEqual([
      { attributes: { ...COMMON, "gen_ai.token.type": "input" }, count: 1, sum: 7 },
    ]);
  });

  it("count calls that no sampler wanted, to their true end", async () => {
    await recording.stop();
    recording = startRecording({
      sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }) },
    });
    registerProvider();
    const error = new TypeError("no");

    await traceLlmCall(model, async (span) => {
      await Promise.resolve();
      vi.advanceTimersByTime(1000);
      span.recordResponse({ usage: { outputTokens: 2 } });
    });
    const failed = traceLlmCall(model, async function* () {
      yield 1;
      throw error;
    });

    await expect(Array.fromAsync(failed)).rejects.toBe(error);
    expect(recording.spans()).toEqual([]);
    expect(await points(DURATION)).toEqual([
      { attributes: COMMON, count: 1, sum: 1 },
      { attributes: { ...COMMON, "error.type": "TypeError" }, count: 1, sum: 0 },
    ]);
    expect(await points(TOKENS)).toEqual([
      { attributes: { ...COMMON, "gen_ai.token.type": "output" }, count: 1, sum: 2 },
    ]);
    expect(await points(FIRST_CHUNK)).toHaveLength(1);
  });

  it("are counted without a tracer provider", async () => {
    await recording.stop();
    registerProvider();

    await traceLlmCall(model, async () => {});

    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);
  });

  it("begin when a provider is registered, however late, and go to the one that is", async () => {
    traceLlmCall(model, () => {});
    registerProvider();
    traceLlmCall(model, () => {});
    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);

    metrics.disable();
    traceLlmCall(model, () => {});
    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);

    const nextReader = new TestReader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [nextReader] }));
    traceLlmCall(model, () => {});
    expect(await points(DURATION)).toEqual([{ attributes: COMMON, count: 1, sum: 0 }]);
    const { resourceMetrics } = await nextReader.collect();
    expect(resourceMetrics.scopeMetrics[0]?.metrics).toHaveLength(1);
    await nextReader.shutdown();
  });

  it("cost nothing where there is no provider: not even a stream is followed", async () => {
    await recording.stop();
    const now = vi.spyOn(performance, "now");
    const stream = new ReadableStream();

    const result = traceLlmCall(model, (span) => {
      const before = now.mock.calls.length;
      span.recordChunk();
      span.recordChunk();
      span.recordChunk();
      expect(now.mock.calls.length - before).toBeLessThanOrEqual(1);
      return stream;
    });

    expect(result).toBe(stream);
    now.mockRestore();
  });
});
