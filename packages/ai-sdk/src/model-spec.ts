/**
 * What Waybill reads of a language model, of what it is given and of what it gives. It is the same in the model
 * specifications v2, v3 and v4, or said in the comment; nothing else is relied on.
 */
export interface LanguageModel {
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: ModelCallOptions): PromiseLike<GenerateResult>;
  doStream(options: ModelCallOptions): PromiseLike<StreamResult>;
}

/** What a model is given. */
export interface ModelCallOptions {
  readonly prompt?: readonly PromptMessage[];
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly maxOutputTokens?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly stopSequences?: readonly string[];
  readonly seed?: number;
  readonly responseFormat?: { readonly type: string };
  readonly abortSignal?: AbortSignal;
}

/** A message of the prompt. */
export interface PromptMessage {
  readonly role: string;
  readonly content: string | readonly ContentPart[];
}

/** A part of a message or of an answer, told apart by its type. */
export interface ContentPart {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What `doGenerate` gives. */
export interface GenerateResult {
  readonly content?: readonly ContentPart[];
  readonly finishReason?: FinishReason;
  readonly usage?: unknown;
  readonly providerMetadata?: unknown;
  readonly response?: { readonly id?: string; readonly modelId?: string };
}

/** What `doStream` gives. */
export interface StreamResult {
  readonly stream: ReadableStream<ContentPart>;
}

/** A string in v2, an object since v3. */
export type FinishReason = string | { readonly unified?: string; readonly raw?: string };
