import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { attempt } from "@waybill/core";

import { openChain } from "./chain-run.ts";
import { prepareAttach } from "./context-attach.ts";
import { handlerOptions } from "./handler-options.ts";
import type { HandlerOptions, TraceCallbackHandlerOptions } from "./handler-options.ts";
import { members } from "./members.ts";
import { inputMessages, inputPrompt } from "./messages.ts";
import { openModelCall } from "./model-run.ts";
import { openRetrieval } from "./retriever-run.ts";
import { endRun, failRun, startRun } from "./run-lifetime.ts";
import type { OpenedRun, RunStart, StartingRun } from "./run-lifetime.ts";
import { openRun } from "./run-registry.ts";
import { openToolCall } from "./tool-run.ts";

/**
 * Traces LangChain and LangGraph: passed in `callbacks`, it makes a span of every agent, model call, tool call, retrieval
 * and graph node, in one tree below the span that is active at the call.
 *
 * The code inside a run, a tool's own for example, runs with the run's span active. One handler is enough for the whole
 * process, at any concurrency; several of them, or one that is passed twice, still make one span per run. Results and
 * errors are as without it, and no method throws.
 *
 * @throws TypeError naming the option, if one is unknown or wrong.
 * @example
 * ```ts
 * import { RunnableLambda } from "@langchain/core/runnables";
 * import { TraceCallbackHandler } from "@waybill/langchain";
 *
 * const double = RunnableLambda.from((value: number) => 2 * value).withConfig({ runName: "double" });
 * console.log(await double.invoke(21, { callbacks: [new TraceCallbackHandler()] }));
 * ```
 */
export class TraceCallbackHandler extends BaseCallbackHandler {
  readonly name: string = "waybill";
  readonly #options: HandlerOptions;

  constructor(options: TraceCallbackHandlerOptions = {}) {
    super();
    this.#options = handlerOptions(options);
    // An awaited handler is called in the frame of the run. In the background it would run in another request's.
    this.awaitHandlers = true;
    if (this.#options.activate === "auto") prepareAttach();
  }

  /** The handler itself: it has no state of its own. */
  override copy(): this {
    return this;
  }

  // LangChain declares other positions for some of these parameters. These are the ones at run time.
  override handleChainStart(
    chain: unknown,
    inputs: unknown,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    _runType?: string,
    runName?: string,
  ): void {
    this.#start(chain, { runId, parentRunId, runName, tags, metadata }, (run) =>
      openChain(run, inputs, this.#options),
    );
  }

  override handleChainEnd(_outputs: unknown, runId: string): void {
    this.#end(runId);
  }

  override handleChainError(error: unknown, runId: string): void {
    this.#fail(runId, error);
  }

  override handleChatModelStart(
    model: unknown,
    messages: readonly (readonly unknown[])[],
    runId: string,
    parentRunId?: string,
    extraParams?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
    runName?: string,
  ): void {
    this.#start(model, { runId, parentRunId, runName, tags, metadata }, (run) =>
      openModelCall(run, {
        operation: "chat",
        extraParams,
        modelKwargs: members(model)["kwargs"],
        captureContent: this.#options.captureContent,
        readInput: () => inputMessages(messages[0] ?? []),
      }),
    );
  }

  override handleLLMStart(
    model: unknown,
    prompts: readonly string[],
    runId: string,
    parentRunId?: string,
    extraParams?: Record<string, unknown>,
    tags?: string[],
    metadata?: Record<string, unknown>,
    runName?: string,
  ): void {
    this.#start(model, { runId, parentRunId, runName, tags, metadata }, (run) =>
      openModelCall(run, {
        operation: "text_completion",
        extraParams,
        modelKwargs: members(model)["kwargs"],
        captureContent: this.#options.captureContent,
        readInput: () => inputPrompt(prompts[0]),
      }),
    );
  }

  override handleLLMNewToken(_token: string, _index: unknown, runId: string): void {
    attempt("a token of a model could not be recorded", () =>
      openRun(runId)?.operation?.recordToken?.(),
    );
  }

  override handleLLMEnd(
    output: unknown,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    extraParams?: Record<string, unknown>,
  ): void {
    this.#end(runId, output, { cached: extraParams?.["cached"] === true });
  }

  override handleLLMError(error: unknown, runId: string): void {
    this.#fail(runId, error);
  }

  override handleToolStart(
    tool: unknown,
    input: string,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    runName?: string,
    callId?: string,
  ): void {
    const { captureContent } = this.#options;
    this.#start(tool, { runId, parentRunId, runName, tags, metadata }, (run) =>
      openToolCall(run, { callId, input, captureContent }),
    );
  }

  override handleToolEnd(output: unknown, runId: string): void {
    this.#end(runId, output);
  }

  override handleToolError(error: unknown, runId: string): void {
    this.#fail(runId, error);
  }

  override handleRetrieverStart(
    retriever: unknown,
    query: string,
    runId: string,
    parentRunId?: string,
    tags?: string[],
    metadata?: Record<string, unknown>,
    name?: string,
  ): void {
    const { captureContent } = this.#options;
    this.#start(retriever, { runId, parentRunId, runName: name, tags, metadata }, (run) =>
      openRetrieval(run, { query, captureContent }),
    );
  }

  override handleRetrieverEnd(documents: unknown, runId: string): void {
    this.#end(runId, documents);
  }

  override handleRetrieverError(error: unknown, runId: string): void {
    this.#fail(runId, error);
  }

  #start(serialized: unknown, told: ToldAtStart, open: (run: StartingRun) => OpenedRun): void {
    attempt("a LangChain run could not be traced", () => {
      const { tags = [], metadata = {}, ...rest } = told;
      const { id } = members(serialized);
      const classPath = (Array.isArray(id) ? id : []).map(String);
      startRun({ ...rest, classPath, tags, metadata }, this.#options, open);
    });
  }

  #end(runId: string, result?: unknown, { cached = false } = {}): void {
    attempt("the end of a LangChain run could not be recorded", () =>
      endRun(runId, result, { cached }),
    );
  }

  #fail(runId: string, error: unknown): void {
    attempt("the error of a LangChain run could not be recorded", () => failRun(runId, error));
  }
}

/** What a callback is told of a run. */
type ToldAtStart = Pick<RunStart, "runId"> & {
  readonly [member in Exclude<keyof RunStart, "runId" | "classPath">]: RunStart[member] | undefined;
};
