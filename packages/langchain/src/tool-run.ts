import { ToolCallSpan } from "@waybill/core";
import type { CaptureContent } from "@waybill/core";

import { members, stringMember } from "./members.ts";
import { contentValue } from "./message-parts.ts";
import type { OpenedRun, StartingRun } from "./run-lifetime.ts";
import type { RunOperation } from "./run-record.ts";
import { GEN_AI_TOOL_NAME } from "./semconv.ts";

/** A tool that is called. */
export interface ToolCall {
  /** The id that the model gave to the call. */
  readonly callId: string | undefined;

  /** The tool's input, as JSON or as a plain string. */
  readonly input: string;

  readonly captureContent: CaptureContent | undefined;
}

/** Opens the span of a tool call. */
export function openToolCall(
  { runName, classPath, context: parent }: StartingRun,
  { callId, input, captureContent }: ToolCall,
): OpenedRun {
  const tool = runName ?? classPath.at(-1) ?? "tool";
  const span = new ToolCallSpan({
    tool,
    callId,
    parent,
    captureContent,
    instrumentation: "langchain",
  });
  span.recordArguments(() => parsedJson(input));
  return { operation: new ToolRun(span, { named: runName !== undefined }) };
}

/** A tool call at work. */
class ToolRun implements RunOperation {
  readonly span: ToolCallSpan;
  readonly #named: boolean;

  constructor(span: ToolCallSpan, { named }: { readonly named: boolean }) {
    this.span = span;
    this.#named = named;
  }

  recordResult(output: unknown): void {
    // A tool that is a class of its own is first called by its class; its name comes with the message it gives.
    const name = isToolMessage(output) ? stringMember(members(output), "name") : undefined;
    if (!this.#named && name !== undefined && !this.span.ended) {
      this.span.span.updateName(`execute_tool ${name}`);
      this.span.setAttributes({ [GEN_AI_TOOL_NAME]: name });
    }
    this.span.recordResult(() => resultValue(output));
  }
}

/** What the model gets to see of a result. A LangGraph `Command` is no result: it changes the graph's state. */
function resultValue(output: unknown): unknown {
  if (isToolMessage(output)) return contentValue(members(output)["content"]);
  return members(output)["lg_name"] === "Command" ? undefined : contentValue(output);
}

function isToolMessage(output: unknown): boolean {
  return typeof members(output)["tool_call_id"] === "string";
}

function parsedJson(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}
