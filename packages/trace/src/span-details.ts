import type { AttributeValue, Span } from "./span.ts";

/** The signs that details are written with. */
export interface DetailSigns {
  readonly arrow: string;
  readonly cross: string;
}

/** What is worth knowing of a span at a glance, in a few short words each: tokens, status code, outcome, error. */
export function spanDetails(span: Span, { arrow, cross }: DetailSigns): string[] {
  const { attributes, status, endNs } = span;
  const errorType = attributes["error.type"];
  const outcome = attributes["waybill.outcome"];
  return [
    tokens(span, arrow),
    text(attributes["http.response.status_code"]),
    attemptText(attributes["waybill.attempt"]),
    outcome === "error" ? "" : text(outcome),
    status.code === "error" ? `${cross} ${text(errorType) || "error"}` : "",
    endNs === undefined ? "running" : "",
  ].filter((detail) => detail !== "");
}

/** The message of a failed span; empty if it did not fail. */
export function spanError({ status }: Span): string {
  return status.code === "error" ? (status.message ?? "") : "";
}

function tokens({ attributes }: Span, arrow: string): string {
  const input = attributes["gen_ai.usage.input_tokens"];
  const output = attributes["gen_ai.usage.output_tokens"];
  if (typeof input !== "number" && typeof output !== "number") return "";
  const cached = attributes["gen_ai.usage.cache_read.input_tokens"];
  const reasoning = attributes["gen_ai.usage.reasoning.output_tokens"];
  return [
    `${text(input) || "?"}${arrow}${text(output) || "?"} tok`,
    cached === undefined ? "" : `${text(cached)} cached`,
    reasoning === undefined ? "" : `${text(reasoning)} reasoning`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function attemptText(attempt: AttributeValue): string {
  return attempt === undefined ? "" : `attempt ${text(attempt)}`;
}

function text(value: AttributeValue): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
