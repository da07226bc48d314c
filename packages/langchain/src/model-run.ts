import { LlmCallSpan } from "@waybill/core";
import type { CaptureContent, LlmInput } from "@waybill/core";

import { members } from "./members.ts";
import { outputMessages } from "./messages.ts";
import { modelAnswer } from "./model-answer.ts";
import { requestModel, requestParameters } from "./model-request.ts";
import { providerName } from "./provider-name.ts";
import type { OpenedRun, StartingRun } from "./run-lifetime.ts";
import type { ResultSource, RunOperation } from "./run-record.ts";
import { GEN_AI_REQUEST_STREAM, GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK } from "./semconv.ts";

/** A model that is called. */
export interface ModelCall {
  readonly operation: "chat" | "text_completion";

  /** What LangChain tells of the call: `{ options, invocation_params }`. */
  readonly extraParams: Readonly<Record<string, unknown>> | undefined;

  /** The model's constructor arguments, as far as LangChain serialises them. They may hold secrets. */
  readonly modelKwargs: unknown;

  readonly captureContent: CaptureContent | undefined;

  /** Gives what the model is given; called only if it is recorded. */
  readonly readInput: () => LlmInput;
}

/** Opens the span of a model call. */
export function openModelCall(run: StartingRun, call: ModelCall): OpenedRun {
  const { operation, extraParams = {}, captureContent } = call;
  const parameters = members(extraParams["invocation_params"]);
  const span = new LlmCallSpan({
    operation,
    provider: providerName(run.metadata["ls_provider"] ?? modelType(run.classPath)),
    model: requestModel(parameters, run.metadata, call.modelKwargs),
    request: requestParameters(parameters, run.metadata),
    parent: run.context,
    captureContent,
  });
  let input: LlmInput | undefined;
  span.recordInput(() => (input ??= call.readInput()));

  const { signal } = members(extraParams["options"]);
  return {
    operation: new ModelRun(span),
    signal: signal instanceof AbortSignal ? signal : undefined,
  };
}

/** A model call at work. */
class ModelRun implements RunOperation {
  readonly span: LlmCallSpan;
  readonly #startedMs = performance.now();
  #firstTokenMs: number | undefined;

  constructor(span: LlmCallSpan) {
    this.span = span;
  }

  recordToken(): void {
    this.#firstTokenMs ??= performance.now();
  }

  recordResult(result: unknown, { cached }: ResultSource): void {
    const { generations, ...response } = modelAnswer(result);
    // A cached answer comes with one token and its old usage. Neither was streamed or paid for now.
    if (!cached) this.#recordStreaming();
    this.span.recordResponse({ ...response, ...(cached && { usage: undefined }) });
    if (generations.length > 0) this.span.recordOutput(() => outputMessages(generations));
  }

  recordFailure(): void {
    this.#recordStreaming();
  }

  #recordStreaming(): void {
    if (this.#firstTokenMs === undefined) return;
    this.span.setAttributes({
      [GEN_AI_REQUEST_STREAM]: true,
      [GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: (this.#firstTokenMs - this.#startedMs) / 1000,
    });
  }
}

/** What kind of model it is, from `["langchain", "llms", "openai", "OpenAI"]`: a completion model says no provider. */
function modelType([origin, kind, type]: readonly string[]): string | undefined {
  return origin === "langchain" && (kind === "llms" || kind === "chat_models") ? type : undefined;
}
