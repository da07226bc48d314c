import { definedAttributes } from "./defined-attributes.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  GEN_AI_OPERATION_NAME,
  GEN_AI_TOOL_CALL_ARGUMENTS,
  GEN_AI_TOOL_CALL_ID,
  GEN_AI_TOOL_CALL_RESULT,
  GEN_AI_TOOL_DESCRIPTION,
  GEN_AI_TOOL_NAME,
  GEN_AI_TOOL_TYPE,
} from "./semconv.ts";
import { runAndEnd, SpanHandle } from "./span-handle.ts";

/** Which tool is called. */
export interface ToolCallOptions extends OperationOptions {
  readonly tool: string;

  /** The id that the model gave to this call. */
  readonly callId?: string | undefined;

  readonly description?: string | undefined;

  /**
   * Who runs the tool: the client (`function`), the agent's side by an API (`extension`), or a data store.
   *
   * @default "function"
   */
  readonly type?: "function" | "extension" | "datastore";
}

/** The span of one tool call. The tool's own code runs with it active. */
export class ToolCallSpan extends SpanHandle {
  constructor(options: ToolCallOptions) {
    const { tool, callId, description, type = "function" } = options;
    super({
      ...options,
      name: `execute_tool ${tool}`,
      attributes: {
        [GEN_AI_OPERATION_NAME]: "execute_tool",
        [GEN_AI_TOOL_NAME]: tool,
        [GEN_AI_TOOL_TYPE]: type,
        ...options.attributes,
      },
    });
    this.setAttributes(
      definedAttributes({ [GEN_AI_TOOL_CALL_ID]: callId, [GEN_AI_TOOL_DESCRIPTION]: description }),
    );
  }

  /** Records the tool's arguments, as content. */
  recordArguments(read: () => unknown): void {
    this.recordContent("toolArguments", GEN_AI_TOOL_CALL_ARGUMENTS, () =>
      asObject("input", read()),
    );
  }

  /** Records the tool's result, as content. A result that is no object is wrapped: the schema asks for an object. */
  recordResult(read: () => unknown): void {
    this.recordContent("toolResults", GEN_AI_TOOL_CALL_RESULT, () => asObject("result", read()));
  }
}

/** Calls a tool inside a span, which ends when `fn`, or the promise it returns, is done. */
export function traceToolCall<T>(options: ToolCallOptions, fn: (span: ToolCallSpan) => T): T {
  return runAndEnd(new ToolCallSpan(options), fn);
}

function asObject(name: string, value: unknown): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject || value === undefined ? value : { [name]: value };
}
