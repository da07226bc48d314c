import { ToolCallSpan } from "@waybill/core";

import { isPromiseLike } from "./is-promise-like.ts";
import type { Operation } from "./operation.ts";
import { withMethods } from "./with-methods.ts";

/** What concerns us of a tool. */
interface Tool {
  readonly description?: unknown;
  readonly execute?: ExecuteTool;
}

type ExecuteTool = (input: unknown, options: unknown) => unknown;

/** The tools of a call, each of which opens an `execute_tool` span when it is executed, and runs inside it. */
export function tracedTools(tools: object, operation: Operation): object {
  return Object.fromEntries(
    Object.entries(tools).map(([name, tool]) => [name, tracedTool(name, tool, operation)]),
  );
}

function tracedTool(name: string, tool: unknown, operation: Operation): unknown {
  if (!isExecutable(tool)) return tool;
  const { execute } = tool;
  const traced: Tool = withMethods(tool, {
    execute(this: unknown, input: unknown, options: unknown) {
      const call = new ToolCall(name, tool, options, operation);
      const self = this === traced ? tool : this;
      return call.run(input, () => Reflect.apply(execute, self, [input, options]));
    },
  });
  return traced;
}

/** One execution of a tool. */
class ToolCall {
  readonly #span: ToolCallSpan;
  readonly #operation: Operation;

  constructor(name: string, tool: Tool, options: unknown, operation: Operation) {
    const { toolCallId, abortSignal } = (options ?? {}) as {
      readonly toolCallId?: string;
      readonly abortSignal?: AbortSignal;
    };
    this.#operation = operation;
    this.#span = new ToolCallSpan({
      tool: name,
      callId: toolCallId,
      description: typeof tool.description === "string" ? tool.description : undefined,
      parent: operation.span.context,
      signal: abortSignal,
      captureContent: operation.settings.captureContent,
      instrumentation: "ai-sdk",
    });
    this.#span.keepOpen();
    operation.toolStarted();
  }

  run(input: unknown, execute: () => unknown): unknown {
    if (this.#operation.recordInputs) this.#span.recordArguments(() => input);
    let result: unknown;
    try {
      result = this.#span.run(execute);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (isAsyncIterable(result)) return this.#follow(result);
    if (isPromiseLike(result)) return this.#settle(result);
    this.#end(result);
    return result;
  }

  async #settle(result: PromiseLike<unknown>): Promise<unknown> {
    try {
      const value = await result;
      this.#end(value);
      return value;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Results that are given one after the other: the tool's code runs each time the next one is asked for. */
  #follow(results: AsyncIterable<unknown>): AsyncIterable<unknown> {
    const iterate = (): AsyncIterator<unknown> => {
      const iterator = this.#span.run(() => results[Symbol.asyncIterator]());
      let last: unknown;
      const step = async (
        advance: () => PromiseLike<IteratorResult<unknown>>,
      ): Promise<IteratorResult<unknown>> => {
        try {
          const result = await this.#span.run(advance);
          if (result.done === true) this.#end(last);
          else last = result.value;
          return result;
        } catch (error) {
          this.#fail(error);
          throw error;
        }
      };
      const leave = iterator.return?.bind(iterator);
      return {
        next: (...args) => step(() => iterator.next(...args)),
        ...(leave && { return: (value) => step(() => leave(value)) }),
      };
    };
    return { [Symbol.asyncIterator]: iterate };
  }

  #end(result: unknown): void {
    if (this.#span.ended) return;
    if (this.#operation.recordOutputs) this.#span.recordResult(() => result);
    this.#span.end();
    this.#operation.toolEnded();
  }

  #fail(error: unknown): void {
    if (this.#span.ended) return;
    this.#span.fail(error);
    this.#operation.toolEnded();
  }
}

function isExecutable(tool: unknown): tool is Tool & { readonly execute: ExecuteTool } {
  return typeof (tool as Tool | null | undefined)?.execute === "function";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  const iterable = value as Partial<AsyncIterable<unknown>> | null | undefined;
  return typeof iterable?.[Symbol.asyncIterator] === "function";
}
