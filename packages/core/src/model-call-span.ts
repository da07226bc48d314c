import { SpanKind } from "@opentelemetry/api";
import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { ModelCallMeter } from "./model-call-meter.ts";
import type { OperationEnd } from "./open-operation.ts";
import type { OperationOptions } from "./operation-options.ts";
import { recordableName, spanName } from "./recordable-name.ts";
import { attempt } from "./report-failure.ts";
import {
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
import { knownUsage, sumUsage, usageAttributes } from "./token-usage.ts";
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
  readonly #meter: ModelCallMeter;

  /** What the parts of the call have used that another instrumentation told of, and that are over. */
  #usedInside: TokenUsage | undefined;

  constructor(operation: string, options: ModelCallOptions) {
    const { provider, server, attempt: attemptNumber } = options;
    const model = recordableName(options.model);
    const attributes: Attributes = {
      [GEN_AI_OPERATION_NAME]: operation,
      ...definedAttributes({
        [GEN_AI_PROVIDER_NAME]: provider,
        [GEN_AI_REQUEST_MODEL]: model,
        [SERVER_ADDRESS]: server?.address,
        [SERVER_PORT]: server?.port,
      }),
    };
    super({
      ...options,
      name: spanName(operation, model),
      kind: SpanKind.CLIENT,
      call: { name: operation === "embeddings" ? operation : "model", id: model },
      attributes: { ...attributes, ...options.attributes },
    });
    const meter = new ModelCallMeter(attributes);
    this.#meter = meter;
    if (this.#outerCall === undefined && meter.isOn) this.onEnded((end) => meter.end(end));
    if (attemptNumber !== undefined && attemptNumber > 1) {
      this.setAttributes({ [WAYBILL_ATTEMPT]: attemptNumber });
    }
  }

  /** Metrics count a call also where only they are registered. */
  override get watched(): boolean {
    return super.watched || this.#meter.isOn;
  }

  override onChunk(): void {
    this.recordChunk();
  }

  /** A chunk of the response arrived: the first one gives the time to first chunk. Call it for every chunk. */
  recordChunk(): void {
    if (this.#outerCall !== undefined) return this.#outerCall.recordChunk();
    this.touch();
    const seconds = this.#meter.chunk();
    if (seconds !== undefined) {
      this.setAttributes({ [GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: seconds });
    }
  }

  /** The usage that is known: what was recorded last, else the sum of what other instrumentations of the call told. */
  get usage(): TokenUsage | undefined {
    return this.#meter.usage;
  }

  /** Records what the provider said of its response. What is no model's name and no count in it is left out. */
  recordResponse(response: ModelCallResponse): void {
    attempt("a response could not be recorded", () => {
      const { model, usage } = response;
      this.#record(recordableName(model), usage ? knownUsage(usage) : undefined);
    });
  }

  #record(model: string | undefined, usage: TokenUsage | undefined): void {
    if (this.#outerCall !== undefined) {
      this.#meter.usage = usage ?? this.#meter.usage;
      this.#outerCall.recordInnerResponse({ model, usage });
      return;
    }
    if (model !== undefined) {
      this.setAttributes({ [GEN_AI_RESPONSE_MODEL]: model });
      this.#meter.attributes[GEN_AI_RESPONSE_MODEL] = model;
    }
    if (usage === undefined) return;
    this.#meter.usage = usage;
    if (this.recording) this.setAttributes(usageAttributes(usage));
  }

  /** Another instrumentation of this call tells of the response. */
  recordInnerResponse({ model, usage }: ModelCallResponse): void {
    this.recordResponse({ model, usage: usage && sumUsage(this.#usedInside, usage) });
  }

  override innerCallEnded(end: OperationEnd): void {
    super.innerCallEnded(end);
    this.#usedInside = this.usage;
  }

  /** Of whichever copy of this package. */
  get #outerCall(): ModelCallSpan | undefined {
    return this.sameCall as ModelCallSpan | undefined;
  }
}
