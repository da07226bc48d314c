import { SpanKind } from "@opentelemetry/api";
import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { countTokens, genAiMetrics } from "./gen-ai-metrics.ts";
import { errorType } from "./operation-error.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  ERROR_TYPE,
  GEN_AI_OPERATION_NAME,
  GEN_AI_PROVIDER_NAME,
  GEN_AI_REQUEST_MODEL,
  GEN_AI_RESPONSE_MODEL,
  GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  SERVER_ADDRESS,
  SERVER_PORT,
  WAYBILL_ATTEMPT,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";
import type { SpanEnd } from "./span-handle.ts";
import { usageAttributes } from "./token-usage.ts";
import type { TokenUsage } from "./token-usage.ts";

/** Which model is called, whatever for. */
export interface ModelCallOptions extends OperationOptions {
  /** The provider as the client sees it, by its well-known name where it has one (`openai`, `aws.bedrock`). */
  readonly provider: string;

  /** The model that is asked for. */
  readonly model?: string | undefined;

  /** Where the provider's API is. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;

  /**
   * Which attempt at the same call this is, from 1 on.
   *
   * @default 1
   */
  readonly attempt?: number;
}

/** What is recorded of a response, whatever it is one to. */
export interface ModelCallResponse {
  /** The model that answered. */
  readonly model?: string | undefined;
  readonly usage?: TokenUsage | undefined;
}

/** The span of a call of a model at a provider, with its metrics. */
export class ModelCallSpan extends SpanHandle {
  readonly #metrics = genAiMetrics();
  readonly #metricAttributes: Attributes;
  readonly #startedMs = performance.now();
  #lastChunkMs: number | undefined;
  #usage: TokenUsage | undefined;

  constructor(operation: string, options: ModelCallOptions) {
    const { provider, model, server, attempt = 1 } = options;
    const attributes: Attributes = {
      [GEN_AI_OPERATION_NAME]: operation,
      [GEN_AI_PROVIDER_NAME]: provider,
      ...definedAttributes({
        [GEN_AI_REQUEST_MODEL]: model,
        [SERVER_ADDRESS]: server?.address,
        [SERVER_PORT]: server?.port,
      }),
    };
    super({
      ...options,
      name: model === undefined ? operation : `${operation} ${model}`,
      kind: SpanKind.CLIENT,
      call: { name: operation === "embeddings" ? operation : "model" },
      attributes: { ...attributes, ...options.attributes },
    });
    this.#metricAttributes = attributes;
    if (attempt > 1) this.setAttributes({ [WAYBILL_ATTEMPT]: attempt });
  }

  /** Metrics count a call also where only they are registered. */
  override get watched(): boolean {
    return super.watched || this.#metrics !== undefined;
  }

  override onChunk(): void {
    this.recordChunk();
  }

  /** A chunk of the response arrived: the first one gives the time to first chunk. Call it for every chunk. */
  recordChunk(): void {
    if (this.sameCall instanceof ModelCallSpan) return this.sameCall.recordChunk();
    this.touch();
    if (this.#lastChunkMs !== undefined && this.#metrics === undefined) return;
    const nowMs = performance.now();
    const sinceMs = nowMs - (this.#lastChunkMs ?? this.#startedMs);
    if (this.#lastChunkMs === undefined) {
      this.setAttributes({ [GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: sinceMs / 1000 });
      this.#metrics?.firstChunk.record(sinceMs / 1000, this.#metricAttributes);
    } else {
      this.#metrics?.laterChunk.record(sinceMs / 1000, this.#metricAttributes);
    }
    this.#lastChunkMs = nowMs;
  }

  /** The usage that was recorded last. */
  get usage(): TokenUsage | undefined {
    return this.#usage;
  }

  /** Records what the provider said of its response. */
  recordResponse({ model, usage }: ModelCallResponse): void {
    if (this.sameCall instanceof ModelCallSpan)
      return this.sameCall.recordResponse({ model, usage });
    if (model !== undefined) {
      this.setAttributes({ [GEN_AI_RESPONSE_MODEL]: model });
      this.#metricAttributes[GEN_AI_RESPONSE_MODEL] = model;
    }
    if (usage === undefined) return;
    this.#usage = usage;
    if (this.recording) this.setAttributes(usageAttributes(usage));
  }

  protected override onEnd({ failure }: SpanEnd): void {
    if (this.#metrics === undefined) return;
    const attributes = this.#metricAttributes;
    if (this.#usage) countTokens(this.#metrics.tokens, this.#usage, attributes);
    this.#metrics.duration.record((performance.now() - this.#startedMs) / 1000, {
      ...attributes,
      ...(failure && { [ERROR_TYPE]: errorType(failure.error) }),
    });
  }
}
