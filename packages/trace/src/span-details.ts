import type { DrawingSigns } from "./drawing-signs.ts";
import { formatCount } from "./format-count.ts";
import type { Style } from "./paint.ts";
import type { AttributeValue, Span } from "./span.ts";
import { isModelCall, sumUsage } from "./usage-totals.ts";

/** A few words about a span. */
export interface SpanDetail {
  readonly text: string;
  readonly style?: Style;
}

/** What is worth knowing of a span at a glance, the most urgent first. The texts are the span's own, as they came. */
export function spanDetails(span: Span, signs: DrawingSigns): SpanDetail[] {
  const { attributes, status, endNs } = span;
  const failed = status.code === "error";
  const errorType = word(attributes["error.type"]);
  const outcome = word(attributes["waybill.outcome"]);
  const statusCode = word(attributes["http.response.status_code"]);
  const attempt = word(attributes["waybill.attempt"]);

  const details: (SpanDetail | undefined)[] = [
    failed ? { text: `${signs.failed} ${errorType ?? "error"}`, style: "error" } : undefined,
    outcome !== undefined && outcome !== "error" ? { text: outcome } : undefined,
    endNs === undefined ? { text: "running" } : undefined,
    statusCode !== undefined && !(failed && statusCode === errorType)
      ? { text: statusCode, style: "faint" }
      : undefined,
    ...(isModelCall(span) ? tokens(span, signs) : []),
    attempt === undefined ? undefined : { text: `attempt ${attempt}`, style: "faint" },
  ];
  return details.filter((detail) => detail !== undefined);
}

function tokens(span: Span, { arrow }: DrawingSigns): SpanDetail[] {
  const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens } = sumUsage([span]);
  const texts = [
    ...(inputTokens + outputTokens > 0
      ? [`${formatCount(inputTokens)}${arrow}${formatCount(outputTokens)} tok`]
      : []),
    ...(cacheReadTokens > 0 ? [`${formatCount(cacheReadTokens)} cached`] : []),
    ...(reasoningTokens > 0 ? [`${formatCount(reasoningTokens)} reasoning`] : []),
  ];
  return texts.map((text) => ({ text, style: "faint" }));
}

function word(value: AttributeValue | undefined): string | undefined {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}
