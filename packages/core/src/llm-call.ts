import type { Attributes } from "@opentelemetry/api";

import { asMessages } from "./as-messages.ts";
import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { historyOf, takeNewInput } from "./message-history.ts";
import type { HistoryMode, LlmInput, MessageHistory, NewInput } from "./message-history.ts";
import { ModelCallSpan } from "./model-call-span.ts";
import type { ModelCallOptions, ModelCallResponse } from "./model-call-span.ts";
import { processState } from "./process-state.ts";
import { boundedText, recordableName } from "./recordable-name.ts";
import { attempt } from "./report-failure.ts";
import {
  GEN_AI_CONVERSATION_COMPACTED,
  GEN_AI_INPUT_MESSAGES,
  GEN_AI_OUTPUT_MESSAGES,
  GEN_AI_OUTPUT_TYPE,
  GEN_AI_PROMPT_NAME,
  GEN_AI_PROMPT_VERSION,
  GEN_AI_REQUEST_CHOICE_COUNT,
  GEN_AI_REQUEST_FREQUENCY_PENALTY,
  GEN_AI_REQUEST_MAX_TOKENS,
  GEN_AI_REQUEST_PRESENCE_PENALTY,
  GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID,
  GEN_AI_REQUEST_REASONING_LEVEL,
  GEN_AI_REQUEST_SEED,
  GEN_AI_REQUEST_STOP_SEQUENCES,
  GEN_AI_REQUEST_STREAM,
  GEN_AI_REQUEST_TEMPERATURE,
  GEN_AI_REQUEST_TOP_K,
  GEN_AI_REQUEST_TOP_P,
  GEN_AI_RESPONSE_FINISH_REASONS,
  GEN_AI_RESPONSE_ID,
  GEN_AI_SYSTEM_INSTRUCTIONS,
  GEN_AI_TOOL_DEFINITIONS,
  WAYBILL_CONTENT_CONVERSATION,
  WAYBILL_CONTENT_FIRST_MESSAGE,
} from "./semconv.ts";

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

  /** How much the model shall reason, in the provider's own word (`low`, `high`). */
  readonly reasoningLevel?: string | undefined;

  /** The id of the response that this call goes on from, where the provider keeps the conversation. */
  readonly previousResponseId?: string | undefined;

  /** The template that the prompt was made of, where that has a name. */
  readonly prompt?: { readonly name: string; readonly version?: string | undefined } | undefined;

  /** Whether the conversation was compacted for this call: only `true` says anything. */
  readonly conversationCompacted?: boolean | undefined;

  /** The tools that the model may call. They are content (`input`). */
  readonly tools?: readonly ToolDefinition[] | undefined;

  /**
   * Whether the tools' descriptions and parameters are recorded with their types and names.
   *
   * @default false
   */
  readonly toolDetails?: boolean | undefined;
}

/** A tool that a model may call. */
export interface ToolDefinition {
  /** @default "function" */
  readonly type?: string | undefined;
  readonly name: string;
  readonly description?: string | undefined;

  /** JSON schema. */
  readonly parameters?: unknown;
}

/** What a model call gives. */
export interface LlmResponse extends ModelCallResponse {
  readonly id?: string | undefined;

  /** One for each choice: `stop`, `length`, `tool_call`, `content_filter`, `error`. */
  readonly finishReasons?: readonly string[] | undefined;

  /** The model's messages, in the GenAI message schema or as one text. They are content. */
  readonly output?: unknown;
}

/** The operations whose model calls have one history. */
const HISTORY_OWNERS: ReadonlySet<string | undefined> = new Set(["invoke_agent", "execute_tool"]);

/** The span of one model call. */
export class LlmCallSpan extends ModelCallSpan {
  readonly #history: HistoryMode | undefined;

  /** Whether the input was recorded, by this instrumentation of the call or another one. */
  hasInput = false;

  constructor(options: LlmCallOptions) {
    super(options.operation ?? "chat", options);
    this.#history = options.history;
    if (!this.recording) return;
    const request = options.request ?? {};
    this.setAttributes(requestAttributes(request));
    this.recordContent("input", GEN_AI_TOOL_DEFINITIONS, () =>
      request.tools?.map(({ type = "function", name, ...details }) =>
        request.toolDetails === true ? { type, name, ...details } : { type, name },
      ),
    );
  }

  /**
   * Records what the model is given, as content; once, by whichever instrumentation of the call comes first. A string is
   * the user's message of that text.
   */
  recordInput<M>(read: () => LlmInput<M> | string): void {
    // Of whichever copy of this package.
    const call = (this.sameCall ?? this) as LlmCallSpan;
    if (call.hasInput) return;
    let input: NewInput | undefined;
    const take = (): NewInput => {
      call.hasInput = true;
      return (input ??= takeNewInput(this.#messageHistory(), read(), {
        messages: this.capturesContent("input"),
        system: this.capturesContent("system"),
      }));
    };
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, () => {
      const { messages, firstMessage, conversation } = take();
      this.setAttributes(
        definedAttributes({
          [WAYBILL_CONTENT_FIRST_MESSAGE]: firstMessage,
          [WAYBILL_CONTENT_CONVERSATION]: conversation,
        }),
      );
      return messages;
    });
    this.recordContent("system", GEN_AI_SYSTEM_INSTRUCTIONS, () => take().system);
  }

  /** Records the model's messages, in the GenAI message schema or as one text, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, () => asMessages("assistant", read()));
  }

  /** Records what the provider said of its response. */
  override recordResponse(response: LlmResponse): void {
    super.recordResponse(response);
    if (!this.recording) return;
    attempt("a response could not be recorded", () => {
      const { id, finishReasons, output } = response;
      this.setAttributes(
        definedAttributes({
          [GEN_AI_RESPONSE_ID]: boundedText(id),
          [GEN_AI_RESPONSE_FINISH_REASONS]: finishReasons,
        }),
      );
      this.recordOutput(() => asMessages("assistant", output, [finishReasons].flat()[0]));
    });
  }

  /** The history of the nearest agent's run or tool call around this call. */
  #messageHistory(): MessageHistory | undefined {
    if ((this.#history ?? processState().settings.history) === "full") return undefined;
    let owner = this.outer;
    while (owner !== undefined && !HISTORY_OWNERS.has(owner.operationName)) owner = owner.outer;
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
    [GEN_AI_REQUEST_REASONING_LEVEL]: recordableName(request.reasoningLevel),
    [GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID]: boundedText(request.previousResponseId),
    [GEN_AI_PROMPT_NAME]: recordableName(request.prompt?.name),
    [GEN_AI_PROMPT_VERSION]: recordableName(request.prompt?.version),
    [GEN_AI_CONVERSATION_COMPACTED]: request.conversationCompacted === true ? true : undefined,
  });
}
