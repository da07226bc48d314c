/** What Waybill uses of an `ai` module, of any major. */
export interface AiModule {
  readonly generateText?: AiFunction;
  readonly streamText?: AiFunction;

  /** Where the AI SDK finds the model of a string id, unless a default provider is set. */
  readonly gateway?: unknown;
}

/** A function of the AI SDK, with whatever type parameters it has. */
export type AiFunction = (options: never) => unknown;
