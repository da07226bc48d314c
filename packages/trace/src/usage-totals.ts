import type { Span } from "./span.ts";

/** The tokens of all model calls of a trace. */
export interface UsageTotals {
  /** What went into the models, the cached part included. */
  readonly inputTokens: number;

  /** What came out of them, reasoning included. */
  readonly outputTokens: number;

  /** The part of the input that a provider had cached. */
  readonly cacheReadTokens: number;

  /** The part of the input that a provider put into its cache. */
  readonly cacheWriteTokens: number;

  /** The part of the output that was reasoning. */
  readonly reasoningTokens: number;
}

const MODEL_CALLS: ReadonlySet<unknown> = new Set([
  "chat",
  "generate_content",
  "text_completion",
  "embeddings",
]);

/** Whether a span is a call of a model, as opposed to the agent or the tool around it. */
export function isModelCall({ attributes }: Span): boolean {
  return MODEL_CALLS.has(attributes["gen_ai.operation.name"]);
}

/** The sum over the spans that are model calls. Others do not count: an agent's span may repeat what is below it. */
export function sumUsage(spans: readonly Span[]): UsageTotals {
  const calls = spans.filter(isModelCall);
  const sum = (...names: readonly string[]): number =>
    calls.reduce((total, call) => total + tokenCount(call, names), 0);
  return {
    inputTokens: sum("gen_ai.usage.input_tokens"),
    outputTokens: sum("gen_ai.usage.output_tokens"),
    cacheReadTokens: sum("gen_ai.usage.cache_read.input_tokens"),
    cacheWriteTokens: sum(
      "gen_ai.usage.cache_write.input_tokens",
      "gen_ai.usage.cache_creation.input_tokens",
    ),
    reasoningTokens: sum("gen_ai.usage.reasoning.output_tokens"),
  };
}

/** The first attribute that holds a count: the old and the new name of one thing must not count twice. */
function tokenCount({ attributes }: Span, names: readonly string[]): number {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value !== "number" && typeof value !== "bigint") continue;
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return Number(value);
  }
  return 0;
}
