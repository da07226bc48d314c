import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/**
 * The shape of a trace as text: a line a span, children below their parents in the order of their start, with the
 * outcome or the error behind the name. Begins and ends with a line break, so that it reads well in a template.
 */
export function spanTree(spans: readonly ReadableSpan[], { kinds = false } = {}): string {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const lines: string[] = [];
  const write = (span: ReadableSpan, depth: number): void => {
    const kind = kinds ? ` (${SpanKind[span.kind]})` : "";
    lines.push(`${"  ".repeat(depth)}${span.name}${kind}${ending(span)}`);
    const { spanId } = span.spanContext();
    for (const child of spans) {
      if (child.parentSpanContext?.spanId === spanId) write(child, depth + 1);
    }
  };
  for (const span of spans) {
    const parentId = span.parentSpanContext?.spanId;
    if (parentId === undefined || !ids.has(parentId)) write(span, 0);
  }
  return `\n${lines.join("\n")}\n`;
}

function ending({ attributes, status }: ReadableSpan): string {
  const { "waybill.outcome": outcome, "error.type": errorType } = attributes;
  const endings = [
    typeof outcome === "string" && outcome !== "error" ? outcome : [],
    status.code === SpanStatusCode.ERROR && typeof errorType === "string"
      ? `error: ${errorType}`
      : [],
  ].flat();
  return endings.length === 0 ? "" : ` ${endings.join(", ")}`;
}

/** The one span of this name. */
export function spanNamed(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`${found.length} spans are named "${name}" in:${spanTree(spans)}`);
  }
  return found[0];
}
