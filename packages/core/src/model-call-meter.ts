import type { Attributes } from "@opentelemetry/api";

import { countTokens, genAiMetrics } from "./gen-ai-metrics.ts";
import type { OperationEnd } from "./open-operation.ts";
import { errorType } from "./operation-error.ts";
import { ERROR_TYPE } from "./semconv.ts";
import type { TokenUsage } from "./token-usage.ts";

/** Times a model call, and counts what it uses: for its span, and for the metrics where they are on. */
export class ModelCallMeter {
  /** The tokens of the call, as far as they are known. */
  usage: TokenUsage | undefined;

  /** What the metrics are told of the call. */
  readonly attributes: Attributes;

  readonly #metrics = genAiMetrics();
  readonly #startedMs = performance.now();
  #lastChunkMs: number | undefined;

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  /** Whether a meter provider is registered. */
  get isOn(): boolean {
    return this.#metrics !== undefined;
  }

  /** A chunk of the response arrived. Gives the time to it in seconds, if it is the first. */
  chunk(): number | undefined {
    const isFirst = this.#lastChunkMs === undefined;
    if (!isFirst && this.#metrics === undefined) return undefined;
    const nowMs = performance.now();
    const seconds = (nowMs - (this.#lastChunkMs ?? this.#startedMs)) / 1000;
    this.#lastChunkMs = nowMs;
    const metric = isFirst ? this.#metrics?.firstChunk : this.#metrics?.laterChunk;
    metric?.record(seconds, this.attributes);
    return isFirst ? seconds : undefined;
  }

  /** The call has ended. */
  end({ failure }: OperationEnd): void {
    if (this.#metrics === undefined) return;
    const { attributes, usage } = this;
    if (usage !== undefined) countTokens(this.#metrics.tokens, usage, attributes);
    this.#metrics.duration.record((performance.now() - this.#startedMs) / 1000, {
      ...attributes,
      ...(failure && { [ERROR_TYPE]: errorType(failure.error) }),
    });
  }
}
