import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { jsonSize } from "./json-size.ts";
import type { JsonSize } from "./json-size.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  boundedText,
  MAX_DESCRIPTION_LENGTH,
  recordableName,
  recordableWord,
  spanName,
} from "./recordable-name.ts";
import { attempt } from "./report-failure.ts";
import {
  GEN_AI_OPERATION_NAME,
  GEN_AI_TOOL_CALL_ARGUMENTS,
  GEN_AI_TOOL_CALL_ID,
  GEN_AI_TOOL_CALL_RESULT,
  GEN_AI_TOOL_DESCRIPTION,
  GEN_AI_TOOL_NAME,
  GEN_AI_TOOL_TYPE,
  WAYBILL_TOOL_INPUT_BYTES,
  WAYBILL_TOOL_INPUT_KEYS,
  WAYBILL_TOOL_OUTPUT_BYTES,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** Which tool is called. */
export interface ToolCallOptions extends OperationOptions {
  /** Its name, which becomes part of the span's name; redacted, and at most 128 characters of it. */
  readonly tool: string;

  /** The id that the model gave to this call. */
  readonly callId?: string | undefined;

  /**
   * Which instrumentation traces the call. What two of them trace inside each other, of one tool and without another
   * operation between, is one call; what one of them does is several, unless their call ids are the same.
   *
   * @default your own code
   */
  readonly instrumentation?: string;

  /**
   * The tool's arguments. Their size and the names of their members are always recorded, they themselves are content.
   *
   * @default nothing is known of them, until `span.recordArguments` tells
   */
  readonly arguments?: unknown;

  readonly description?: string | undefined;

  /**
   * Who runs the tool: the client (`function`), the agent's side by an API (`extension`), or a data store.
   *
   * @default "function"
   */
  readonly type?: "function" | "extension" | "datastore";
}

const OWN_CODE = "own code";
const MAX_KEY_LENGTH = 64;

/** The span of one tool call. The tool's own code runs with it active. */
export class ToolCallSpan extends SpanHandle {
  #hasResult = false;

  constructor(options: ToolCallOptions) {
    const { tool, callId, description, type = "function", instrumentation = OWN_CODE } = options;
    const name = recordableName(tool);
    super({
      ...options,
      name: spanName("execute_tool", name),
      call: { name: `tool ${tool}`, id: callId, instrumentation },
      attributes: {
        [GEN_AI_OPERATION_NAME]: "execute_tool",
        ...definedAttributes({ [GEN_AI_TOOL_NAME]: name, [GEN_AI_TOOL_TYPE]: type }),
        ...options.attributes,
      },
    });
    this.setAttributes(
      definedAttributes({
        [GEN_AI_TOOL_CALL_ID]: boundedText(callId),
        [GEN_AI_TOOL_DESCRIPTION]: boundedText(description, MAX_DESCRIPTION_LENGTH),
      }),
    );
    if (options.arguments !== undefined) this.recordArguments(() => options.arguments);
  }

  /** Records the tool's arguments: their size and the names of their members, and they themselves as content. */
  recordArguments(read: () => unknown): void {
    this.#record(read, "input", (value, size) => {
      this.setAttributes(
        definedAttributes({
          [WAYBILL_TOOL_INPUT_BYTES]: size?.bytes,
          [WAYBILL_TOOL_INPUT_KEYS]: size?.keys?.map(
            (key) => recordableWord(key, MAX_KEY_LENGTH) ?? "",
          ),
        }),
      );
      this.recordContent("toolArguments", GEN_AI_TOOL_CALL_ARGUMENTS, () => value);
    });
  }

  /**
   * Records the tool's result: its size, and it itself as content. A result that is no object is wrapped: the schema asks
   * for an object. Inside `traceToolCall` what the function returns is recorded by itself, unless this was called.
   */
  recordResult(read: () => unknown): void {
    this.#hasResult = true;
    this.#record(read, "result", (value, size) => {
      this.setAttributes(definedAttributes({ [WAYBILL_TOOL_OUTPUT_BYTES]: size?.bytes }));
      this.recordContent("toolResults", GEN_AI_TOOL_CALL_RESULT, () => value);
    });
  }

  /** Whether a result was recorded. */
  get hasResult(): boolean {
    return this.#hasResult;
  }

  #record(
    read: () => unknown,
    name: string,
    record: (value: unknown, size: JsonSize | undefined) => void,
  ): void {
    if (!this.recording || this.ended) return;
    attempt(`the ${name} of a tool could not be recorded`, () => {
      const value = read();
      record(asObject(name, value), jsonSize(value));
    });
  }
}

/**
 * Calls a tool inside an `execute_tool {tool}` span, which ends when what `fn` gives is over. The tool's code runs with the
 * span active: what it starts nests below. A tool that throws is failed; whether its agent is, the agent decides.
 *
 * @example
 * ```ts
 * import { traceToolCall } from "@waybill/core";
 *
 * const order = await traceToolCall(
 *   { tool: "look_up_order", callId: "call_1", arguments: { id: "A-1001" } },
 *   async () => ({ id: "A-1001", status: "shipped" }),
 * );
 * console.log(order.status);
 * ```
 */
export function traceToolCall<T>(options: ToolCallOptions, fn: (span: ToolCallSpan) => T): T {
  const span = new ToolCallSpan(options);
  return runAndEnd(span, fn, (value) => {
    if (!span.hasResult) span.recordResult(() => value);
  });
}

function asObject(name: string, value: unknown): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject || value === undefined ? value : { [name]: value };
}
