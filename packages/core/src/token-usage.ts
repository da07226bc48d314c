import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
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
