import type { Attributes } from "@opentelemetry/api";

import { AgentRunSpan } from "./agent-run.ts";
import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { historyOf, takeNewInput } from "./message-history.ts";
import type { HistoryMode, LlmInput, MessageHistory, NewInput } from "./message-history.ts";
import { ModelCallSpan } from "./model-call-span.ts";
import type { ModelCallOptions, ModelCallResponse } from "./model-call-span.ts";
import { processState } from "./process-state.ts";
import {
  GEN_AI_INPUT_MESSAGES,
  GEN_AI_OUTPUT_MESSAGES,
  GEN_AI_OUTPUT_TYPE,
  GEN_AI_REQUEST_CHOICE_COUNT,
  GEN_AI_REQUEST_FREQUENCY_PENALTY,
  GEN_AI_REQUEST_MAX_TOKENS,
  GEN_AI_REQUEST_PRESENCE_PENALTY,
  GEN_AI_REQUEST_SEED,
  GEN_AI_REQUEST_STOP_SEQUENCES,
  GEN_AI_REQUEST_STREAM,
  GEN_AI_REQUEST_TEMPERATURE,
  GEN_AI_REQUEST_TOP_K,
  GEN_AI_REQUEST_TOP_P,
  GEN_AI_RESPONSE_FINISH_REASONS,
  GEN_AI_RESPONSE_ID,
  GEN_AI_SYSTEM_INSTRUCTIONS,
  WAYBILL_CONTENT_FIRST_MESSAGE,
} from "./semconv.ts";
import { ToolCallSpan } from "./tool-call.ts";

/** Which model is called, and how. */
export interface LlmCallOptions extends ModelCallOptions {
  /** @default "chat" */
  readonly operation?: "chat" | "generate_content" | "text_completion";

  readonly request?: LlmRequest;

  /**
   * Which messages are recorded, if content is.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly history?: HistoryMode | undefined;
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

  /** How many answers are asked for. */
  readonly choiceCount?: number | undefined;
  readonly stream?: boolean | undefined;
  readonly outputType?: "text" | "json" | "image" | "speech" | undefined;
}

/** What a model call gives. */
export interface LlmResponse extends ModelCallResponse {
  readonly id?: string | undefined;

  /** One for each choice: `stop`, `length`, `tool_call`, `content_filter`, `error`. */
  readonly finishReasons?: readonly string[] | undefined;

  /** The model's messages, in the GenAI message schema. They are content. */
  readonly output?: unknown;
}

/** The span of one model call. */
export class LlmCallSpan extends ModelCallSpan {
  readonly #history: HistoryMode | undefined;
  #hasInput = false;

  constructor(options: LlmCallOptions) {
    super(options.operation ?? "chat", options);
    this.#history = options.history;
    if (this.recording) this.setAttributes(requestAttributes(options.request ?? {}));
  }

  /** Records what the model is given, as content; once, by whichever instrumentation of the call comes first. */
  recordInput<M>(read: () => LlmInput<M>): void {
    const call = this.sameCall instanceof LlmCallSpan ? this.sameCall : this;
    if (call.#hasInput) return;
    let input: NewInput | undefined;
    const take = (): NewInput => {
      call.#hasInput = true;
      return (input ??= takeNewInput(this.#messageHistory(), read()));
    };
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, () => {
      const { messages, firstMessage } = take();
      this.setAttributes(definedAttributes({ [WAYBILL_CONTENT_FIRST_MESSAGE]: firstMessage }));
      return messages;
    });
    this.recordContent("system", GEN_AI_SYSTEM_INSTRUCTIONS, () => take().system);
  }

  /** Records the model's messages, in the GenAI message schema, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, read);
  }

  /** Records what the provider said of its response. */
  override recordResponse({ id, finishReasons, output, ...response }: LlmResponse): void {
    super.recordResponse(response);
    if (!this.recording) return;
    this.setAttributes(
      definedAttributes({
        [GEN_AI_RESPONSE_ID]: id,
        [GEN_AI_RESPONSE_FINISH_REASONS]: finishReasons,
      }),
    );
    if (output !== undefined) this.recordOutput(() => output);
  }

  /** The history of the nearest agent's run or tool call around this call. */
  #messageHistory(): MessageHistory | undefined {
    if ((this.#history ?? processState().settings.history) === "full") return undefined;
    let owner = this.outer;
    while (owner !== undefined && !(owner instanceof AgentRunSpan || owner instanceof ToolCallSpan))
      owner = owner.outer;
    return owner && historyOf(owner);
  }
}

/**
 * Calls a model inside a `chat {model}` span, which ends when what `fn` gives is over: a promise when it settles, a
 * stream when it was read. The chunks of a stream count by themselves; of its end tell `span.recordResponse`.
 *
 * @example
 * ```ts
 * import { traceLlmCall } from "@waybill/core";
 *
 * const answer = await traceLlmCall(
 *   { provider: "openai", model: "gpt-5", request: { temperature: 0 } },
 *   async (span) => {
 *     const response = { id: "resp_1", text: "Hello!", tokens: { in: 9, out: 3 } };
 *     span.recordResponse({
 *       id: response.id,
 *       finishReasons: ["stop"],
 *       usage: { inputTokens: response.tokens.in, outputTokens: response.tokens.out },
 *     });
 *     return response.text;
 *   },
 * );
 * console.log(answer);
 * ```
 */
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
    [GEN_AI_REQUEST_CHOICE_COUNT]: request.choiceCount === 1 ? undefined : request.choiceCount,
    [GEN_AI_OUTPUT_TYPE]: request.outputType,
  });
}
