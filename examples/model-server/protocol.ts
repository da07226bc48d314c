import type { ModelAnswer, ModelTurn } from "./model-script.ts";

/** A server-sent event: its data, and in some protocols a name. */
export interface ServerSentEvent {
  readonly event?: string;
  readonly data: string;
}

/** How a provider's protocol says things. */
export interface Protocol {
  /** Reads a request's body. Throws if it is none of this protocol. */
  readonly parse: (body: unknown) => ModelTurn;

  /** The whole answer as a JSON body. */
  readonly json: (answer: ModelAnswer, turn: ModelTurn, ids: Ids) => object;

  /** The answer as a stream. */
  readonly events: (answer: ModelAnswer, turn: ModelTurn, ids: Ids) => Iterable<ServerSentEvent>;
}

/** Makes the ids of a server, deterministically: `call_1`, `call_2`. */
export type Ids = (prefix: string) => string;
