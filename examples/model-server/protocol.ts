import type { ModelAnswer, ModelTurn, StreamErrorReply } from "./model-script.ts";

/** How a provider's protocol is read and spoken. Throws if a body is none of this protocol. */
export type Protocol = (body: unknown) => ProtocolRequest;

/** A request that was understood, and the ways to answer it. */
export interface ProtocolRequest {
  readonly turn: ModelTurn;

  /** The whole answer as a JSON body. */
  readonly json: (answer: ModelAnswer) => object;

  /** The reply as a stream: a complete one, or the part of it that comes before the connection breaks. */
  readonly events: (reply: ModelAnswer | StreamErrorReply) => Iterable<ServerSentEvent>;
}

/** A server-sent event. */
export interface ServerSentEvent {
  /** Its name, in protocols that name them. */
  readonly event?: string;
  readonly data: string;

  /** Whether it carries a piece of what the model says: these come one by one, the others at once. */
  readonly isPiece?: boolean;
}

/** Makes the ids of a server, deterministically: `call_1`, `call_2`. */
export type Ids = (prefix: string) => string;

/** When every answer was made, in seconds since 1970: a stand-in has no clock. */
export const CREATED_AT = 1_790_000_000;
