import { createNoopMeter, metrics } from "@opentelemetry/api";
import type { Attributes, Histogram, Meter, MeterProvider } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { GEN_AI_TOKEN_TYPE } from "./semconv.ts";
import type { TokenUsage } from "./token-usage.ts";

/** The client metrics of the GenAI conventions, v1.41: what today's dashboards read. */
export interface GenAiMetrics {
  /** `gen_ai.client.operation.duration`, in seconds. */
  readonly duration: Histogram;

  /** `gen_ai.client.token.usage`, in tokens. */
  readonly tokens: Histogram;

  /** `gen_ai.client.operation.time_to_first_chunk`, in seconds. */
  readonly firstChunk: Histogram;

  /** `gen_ai.client.operation.time_per_output_chunk`, in seconds. */
  readonly laterChunk: Histogram;
}

const METER_NAME = "@waybill/core";
const SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];

const metricsByProvider = new WeakMap<MeterProvider, GenAiMetrics | undefined>();

/**
 * The metrics, if a meter provider is registered with OpenTelemetry's API.
 *
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/docs/gen-ai/gen-ai-metrics.md
 */
export function genAiMetrics(): GenAiMetrics | undefined {
  const provider = metrics.getMeterProvider();
  if (!metricsByProvider.has(provider)) {
    const meter = provider.getMeter(METER_NAME);
    metricsByProvider.set(provider, meter === createNoopMeter() ? undefined : instruments(meter));
  }
  return metricsByProvider.get(provider);
}

/** Counts a call's tokens: input and output apart. */
export function countTokens(metric: Histogram, usage: TokenUsage, attributes: Attributes): void {
  const { inputTokens, outputTokens } = usage;
  const counts = definedAttributes({ input: inputTokens, output: outputTokens });
  for (const [type, count] of Object.entries(counts)) {
    metric.record(count as number, { ...attributes, [GEN_AI_TOKEN_TYPE]: type });
  }
}

function instruments(meter: Meter): GenAiMetrics {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, {
      unit: "s",
      description,
      advice: { explicitBucketBoundaries: SECONDS },
    });
  return {
    duration: seconds("gen_ai.client.operation.duration", "Duration of GenAI operations"),
    firstChunk: seconds(
      "gen_ai.client.operation.time_to_first_chunk",
      "Time from the request to the first chunk of a streamed response",
    ),
    laterChunk: seconds(
      "gen_ai.client.operation.time_per_output_chunk",
      "Time from each chunk of a streamed response to the next",
    ),
    tokens: meter.createHistogram("gen_ai.client.token.usage", {
      unit: "{token}",
      description: "Number of input and output tokens used",
      advice: { explicitBucketBoundaries: TOKENS },
    }),
  };
}
