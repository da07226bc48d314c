import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { reportFailure } from "./report-failure.ts";
import {
  GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
  GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  GEN_AI_USAGE_INPUT_TOKENS,
  GEN_AI_USAGE_OUTPUT_TOKENS,
  GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
} from "./semconv.ts";

/** What a model call used, in tokens, as the provider said. Never estimated: what it did not say is left out. */
export interface TokenUsage {
  /** All input that is billed, the cached part included. */
  readonly inputTokens?: number | undefined;

  /** All output that is billed, reasoning included. */
  readonly outputTokens?: number | undefined;

  /** The part of the input that was read from the provider's cache. */
  readonly cacheReadTokens?: number | undefined;

  /** The part of the input that was written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined;

  /** The part of the output that was reasoning. */
  readonly reasoningTokens?: number | undefined;
}

/** The counts of a usage that are counts: finite, and not negative. Of anything else, `diag` hears. */
export function knownUsage(usage: TokenUsage | null | undefined): TokenUsage {
  return Object.fromEntries(COUNTS.map((name) => [name, knownCount(usage?.[name])]));
}

const COUNTS = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
] as const;

function knownCount(count: unknown): number | undefined {
  if (count === undefined || count === null) return undefined;
  if (typeof count === "number" && count >= 0 && count < Infinity) return count;
  reportFailure("a count of tokens is no number; it was left out");
  return undefined;
}

/** Usage as span attributes. The parts are left out where they are zero. */
export function usageAttributes(usage: TokenUsage): Attributes {
  return definedAttributes({
    [GEN_AI_USAGE_INPUT_TOKENS]: usage.inputTokens,
    [GEN_AI_USAGE_OUTPUT_TOKENS]: usage.outputTokens,
    [GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: usage.cacheReadTokens || undefined,
    [GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS]: usage.cacheWriteTokens || undefined,
    [GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: usage.reasoningTokens || undefined,
  });
}

/** Two usages together; what neither of them knows stays unknown. */
export function sumUsage(one: TokenUsage | undefined, other: TokenUsage): TokenUsage {
  if (one === undefined) return other;
  const sums = COUNTS.map((name) => {
    const [first, second] = [one[name], other[name]];
    return [name, first === undefined ? second : first + (second ?? 0)] as const;
  });
  return Object.fromEntries(sums);
}
