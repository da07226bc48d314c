import { attempt, LlmCallSpan, tapStream } from "@waybill/core";
import type { TokenUsage } from "@waybill/core";

import { outputMessages, promptInput } from "./messages.ts";
import { answerOf, StreamedAnswer } from "./model-answer.ts";
import type { ModelAnswer } from "./model-answer.ts";
import type { ContentPart, GenerateResult, LanguageModel, ModelCallOptions } from "./model-spec.ts";
import { modelUsage } from "./model-usage.ts";
import type { OpenCall, Operation } from "./operation.ts";
import { providerName } from "./provider-name.ts";

/** One attempt at a model call: its `chat` span, from the request to the end of the answer. */
export class ModelCall implements OpenCall {
  readonly #span: LlmCallSpan;
  readonly #model: LanguageModel;
  readonly #signal: AbortSignal | undefined;
  readonly #operation: Operation;

  /** Gives what is known of the answer. */
  #answer: (() => ModelAnswer) | undefined;

  constructor(
    model: LanguageModel,
    options: ModelCallOptions,
    operation: Operation,
    { streaming }: { readonly streaming: boolean },
  ) {
    this.#model = model;
    this.#signal = options.abortSignal;
    this.#operation = operation;
    this.#span = new LlmCallSpan({
      provider: providerName(model.provider),
      model: model.modelId,
      request: {
        temperature: options.temperature,
        topP: options.topP,
        topK: options.topK,
        maxTokens: options.maxOutputTokens,
        frequencyPenalty: options.frequencyPenalty,
        presencePenalty: options.presencePenalty,
        stopSequences: options.stopSequences,
        seed: options.seed,
        stream: streaming,
        outputType: options.responseFormat?.type === "json" ? "json" : undefined,
      },
      attempt: operation.nextAttempt,
      parent: operation.span.context,
      signal: options.abortSignal,
      captureContent: operation.settings.captureContent,
    });
    this.#span.keepOpen();
    operation.callStarted(this);
    if (operation.recordInputs) this.#recordInput(options);
  }

  run<T>(fn: () => T): T {
    return this.#span.run(fn);
  }

  succeed(result: GenerateResult): void {
    this.#answer = () => answerOf(result);
    this.#succeed();
  }

  fail(error: unknown): void {
    if (this.#span.ended) return;
    const usage = this.#record();
    this.#span.fail(error);
    this.#operation.callFailed(this, usage, error);
  }

  cancel(): void {
    if (this.#span.ended) return;
    const usage = this.#record();
    this.#span.end("cancelled");
    this.#operation.callCancelled(this, usage);
  }

  /** The model's stream, watched: the call ends as the stream does. */
  tap(source: ReadableStream<ContentPart>): ReadableStream<ContentPart> {
    const streamed = new StreamedAnswer(this.#wantsOutput());
    this.#answer = () => streamed.answer;
    // What the model itself reported comes first: a broken stream often follows from it.
    const fail = (error: unknown): void => this.fail(streamed.failure?.error ?? error);
    return tapStream(source, {
      context: this.#span.context,
      onChunk: (part) => {
        // The AI SDK's providers send `stream-start` before they have received anything.
        if (part.type !== "stream-start") this.#span.recordChunk();
        streamed.add(part);
      },
      onDone: () => {
        if (streamed.failure === undefined) this.#succeed();
        else this.fail(streamed.failure.error);
      },
      onError: fail,
      onCancel: (reason) => {
        if (this.#signal?.aborted === true) this.fail(this.#signal.reason);
        else if (streamed.failure === undefined) this.cancel();
        else fail(reason);
      },
    });
  }

  #succeed(): void {
    if (this.#span.ended) return;
    const usage = this.#record();
    this.#span.end();
    this.#operation.callSucceeded(this, usage);
  }

  #recordInput({ prompt = [] }: ModelCallOptions): void {
    this.#span.recordInput(() => promptInput(prompt));
  }

  /** Core decides whether output is recorded, and reads it only then. */
  #wantsOutput(): boolean {
    if (!this.#operation.recordOutputs) return false;
    let wanted = false;
    this.#span.recordOutput(() => {
      wanted = true;
      return undefined;
    });
    return wanted;
  }

  #record(): TokenUsage | undefined {
    const read = this.#answer;
    if (read === undefined || !this.#span.recording) return undefined;
    return attempt("a model's answer could not be recorded", () => {
      const { id, model, finishReason, content, usage, providerMetadata } = read();
      const tokens = modelUsage(usage, {
        provider: providerName(this.#model.provider),
        modelId: this.#model.modelId,
        providerMetadata,
      });
      this.#span.recordResponse({
        id,
        model,
        finishReasons: finishReason === undefined ? undefined : [finishReason],
        usage: tokens,
      });
      if (this.#operation.recordOutputs && content.length > 0) {
        this.#span.recordOutput(() => outputMessages(content, finishReason));
      }
      return tokens;
    });
  }
}
