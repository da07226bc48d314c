import type { Span } from "./span.ts";
import { isModelCall } from "./usage-totals.ts";

/** What kind of work a span is. `other` is what no rule knows: the application's own code, a database. */
export type SpanCategory = "agent" | "model" | "tool" | "http" | "other";

const AGENT_OPERATIONS: ReadonlySet<unknown> = new Set([
  "create_agent",
  "invoke_agent",
  "invoke_workflow",
  "plan",
]);

/** What kind of work a span is, by its attributes. */
export function spanCategory(span: Span): SpanCategory {
  const { attributes, kind } = span;
  const operation = attributes["gen_ai.operation.name"];
  if (AGENT_OPERATIONS.has(operation)) return "agent";
  if (isModelCall(span)) return "model";
  if (operation === "execute_tool") return "tool";
  if (kind === "server" || Object.hasOwn(attributes, "http.request.method")) return "http";
  return "other";
}
