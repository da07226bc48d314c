import type { Span } from "./span.ts";

/** Whose work a trace is: what the earliest span that knows it says. */
export interface TraceIdentity {
  /** `user.id` */
  readonly userId?: string;

  /** `session.id` */
  readonly sessionId?: string;

  /** `gen_ai.conversation.id` */
  readonly conversationId?: string;

  /** `gen_ai.agent.name`, each once, in the order in which the agents began to work. */
  readonly agentNames: readonly string[];
}

/** The identity that spans, given in the order of their start, carry. */
export function traceIdentity(spans: readonly Span[]): TraceIdentity {
  const [userId] = stringValues(spans, "user.id");
  const [sessionId] = stringValues(spans, "session.id");
  const [conversationId] = stringValues(spans, "gen_ai.conversation.id");
  return {
    ...(userId !== undefined && { userId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(conversationId !== undefined && { conversationId }),
    agentNames: [...new Set(stringValues(spans, "gen_ai.agent.name"))],
  };
}

function stringValues(spans: readonly Span[], name: string): string[] {
  return spans
    .map(({ attributes }) => attributes[name])
    .filter((value) => typeof value === "string")
    .filter((value) => value !== "");
}
