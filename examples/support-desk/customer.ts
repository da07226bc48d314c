/** Who asks, and which version and configuration of the agent answers: an identity, as Waybill carries it. */
export interface Customer {
  readonly userId: string;
  readonly sessionId: string;
  readonly conversationId: string;
  readonly agent: { readonly version: string; readonly configId: string };
}

const AGENT = { version: "2026-11", configId: "support-v3" };

/** The customer that a request's headers name. A stand-in for real authentication. */
export function readCustomer(header: (name: string) => string | undefined): Customer | undefined {
  const userId = /^Bearer (\w+)$/.exec(header("authorization") ?? "")?.[1];
  const sessionId = header("x-session-id");
  if (userId === undefined || sessionId === undefined) return undefined;
  return { userId, sessionId, conversationId: sessionId, agent: AGENT };
}
