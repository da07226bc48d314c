import type { TokenUsage } from "@waybill/core";

/** Where a usage comes from: in specification v2 it depends on the provider what it says. */
export interface UsageSource {
  /** By its well-known name. */
  readonly provider: string;
  readonly modelId: string;
  readonly providerMetadata: unknown;
}

/** A model's usage by specification v2 (flat) or v3 and v4 (nested), as totals that include their parts. */
export function modelUsage(usage: unknown, source: UsageSource): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined;
  return isRecord(usage["inputTokens"]) || isRecord(usage["outputTokens"])
    ? nestedUsage(usage)
    : flatUsage(usage, source);
}

function nestedUsage(usage: Members): TokenUsage {
  const input = record(usage["inputTokens"]);
  const output = record(usage["outputTokens"]);
  return {
    inputTokens: count(input["total"]),
    outputTokens: count(output["total"]),
    cacheReadTokens: count(input["cacheRead"]),
    cacheWriteTokens: count(input["cacheWrite"]),
    reasoningTokens: count(output["reasoning"]),
  };
}

function flatUsage(usage: Members, source: UsageSource): TokenUsage {
  const inputTokens = count(usage["inputTokens"]);
  const cacheReadTokens = count(usage["cachedInputTokens"]);
  const cacheWriteTokens = cacheWriteOf(source);
  const cached = leavesCacheOut(source) ? (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0) : 0;
  return {
    inputTokens: inputTokens === undefined ? undefined : inputTokens + cached,
    outputTokens: count(usage["outputTokens"]),
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens: count(usage["reasoningTokens"]),
  };
}

/** In v2, Anthropic's input leaves out what went through the cache; everybody else's includes it. */
function leavesCacheOut({ provider, modelId }: UsageSource): boolean {
  return provider === "anthropic" || (provider === "aws.bedrock" && modelId.includes("anthropic."));
}

function cacheWriteOf({ providerMetadata }: UsageSource): number | undefined {
  const metadata = record(providerMetadata);
  return (
    count(record(metadata["anthropic"])["cacheCreationInputTokens"]) ??
    count(record(record(metadata["bedrock"])["usage"])["cacheWriteInputTokens"])
  );
}

type Members = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null;
}

function record(value: unknown): Members {
  return isRecord(value) ? value : {};
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
