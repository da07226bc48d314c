import { SpanKind } from "@opentelemetry/api";
import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  GEN_AI_INPUT_MESSAGES,
  GEN_AI_OPERATION_NAME,
  GEN_AI_OUTPUT_MESSAGES,
  GEN_AI_OUTPUT_TYPE,
  GEN_AI_PROVIDER_NAME,
  GEN_AI_REQUEST_FREQUENCY_PENALTY,
  GEN_AI_REQUEST_MAX_TOKENS,
  GEN_AI_REQUEST_MODEL,
  GEN_AI_REQUEST_PRESENCE_PENALTY,
  GEN_AI_REQUEST_SEED,
  GEN_AI_REQUEST_STOP_SEQUENCES,
  GEN_AI_REQUEST_STREAM,
  GEN_AI_REQUEST_TEMPERATURE,
  GEN_AI_REQUEST_TOP_K,
  GEN_AI_REQUEST_TOP_P,
  GEN_AI_RESPONSE_FINISH_REASONS,
  GEN_AI_RESPONSE_ID,
  GEN_AI_RESPONSE_MODEL,
  GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  GEN_AI_SYSTEM_INSTRUCTIONS,
  SERVER_ADDRESS,
  SERVER_PORT,
  WAYBILL_ATTEMPT,
} from "./semconv.ts";
import { runAndEnd, SpanHandle } from "./span-handle.ts";
import { usageAttributes } from "./token-usage.ts";
import type { TokenUsage } from "./token-usage.ts";

/** Which model is called, and how. */
export interface LlmCallOptions extends OperationOptions {
  /** The provider as the client sees it, by its well-known name where it has one (`openai`, `aws.bedrock`). */
  readonly provider: string;

  /** The model that is asked for. */
  readonly model?: string | undefined;

  /** @default "chat" */
  readonly operation?: "chat" | "generate_content" | "text_completion";

  readonly request?: LlmRequest;

  /** Where the provider's API is. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;

  /**
   * Which attempt at the same call this is, from 1 on.
   *
   * @default 1
   */
  readonly attempt?: number;
}

/** The parameters of a model call. */
export interface LlmRequest {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly maxTokens?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly stream?: boolean | undefined;
  readonly outputType?: "text" | "json" | undefined;
}

/** What a model call gives, apart from its content. */
export interface LlmResponse {
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
  readonly usage?: TokenUsage | undefined;
}

/** What a model is given, in the GenAI message schema. */
export interface LlmInput {
  readonly messages: unknown;
  readonly system?: unknown;
}

/** The span of one model call. */
export class LlmCallSpan extends SpanHandle {
  readonly #startedMs = performance.now();
  #sawChunk = false;

  constructor(options: LlmCallOptions) {
    const { provider, model, operation = "chat", request = {}, server, attempt = 1 } = options;
    super({
      ...options,
      name: model === undefined ? operation : `${operation} ${model}`,
      kind: SpanKind.CLIENT,
      attributes: {
        [GEN_AI_OPERATION_NAME]: operation,
        [GEN_AI_PROVIDER_NAME]: provider,
        ...definedAttributes({
          [GEN_AI_REQUEST_MODEL]: model,
          [SERVER_ADDRESS]: server?.address,
          [SERVER_PORT]: server?.port,
        }),
        ...options.attributes,
      },
    });
    if (this.recording) {
      this.setAttributes(requestAttributes(request));
      if (attempt > 1) this.setAttributes({ [WAYBILL_ATTEMPT]: attempt });
    }
  }

  /** Records what the model is given, as content. */
  recordInput(read: () => LlmInput): void {
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, () => read().messages);
    this.recordContent("system", GEN_AI_SYSTEM_INSTRUCTIONS, () => read().system);
  }

  /** Records the model's messages, in the GenAI message schema, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, read);
  }

  /** A chunk of the response arrived: the first one gives the time to first chunk. */
  recordChunk(): void {
    if (this.#sawChunk) return;
    this.#sawChunk = true;
    this.setAttributes({
      [GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: (performance.now() - this.#startedMs) / 1000,
    });
  }

  /** Records what the provider said of its response. */
  recordResponse({ id, model, finishReasons, usage }: LlmResponse): void {
    if (!this.recording) return;
    this.setAttributes({
      ...definedAttributes({
        [GEN_AI_RESPONSE_ID]: id,
        [GEN_AI_RESPONSE_MODEL]: model,
        [GEN_AI_RESPONSE_FINISH_REASONS]: finishReasons,
      }),
      ...(usage && usageAttributes(usage)),
    });
  }
}

/** Calls a model inside a span, which ends when `fn`, or the promise it returns, is done. */
export function traceLlmCall<T>(options: LlmCallOptions, fn: (span: LlmCallSpan) => T): T {
  return runAndEnd(new LlmCallSpan(options), fn);
}

function requestAttributes(request: LlmRequest): Attributes {
  return definedAttributes({
    [GEN_AI_REQUEST_TEMPERATURE]: request.temperature,
    [GEN_AI_REQUEST_TOP_P]: request.topP,
    [GEN_AI_REQUEST_TOP_K]: request.topK,
    [GEN_AI_REQUEST_MAX_TOKENS]: request.maxTokens,
    [GEN_AI_REQUEST_FREQUENCY_PENALTY]: request.frequencyPenalty,
    [GEN_AI_REQUEST_PRESENCE_PENALTY]: request.presencePenalty,
    [GEN_AI_REQUEST_STOP_SEQUENCES]: request.stopSequences,
    [GEN_AI_REQUEST_SEED]: request.seed,
    // Its absence means "not streaming".
    [GEN_AI_REQUEST_STREAM]: request.stream === true ? true : undefined,
    [GEN_AI_OUTPUT_TYPE]: request.outputType,
  });
}
