import { propagation } from "@opentelemetry/api";
import type { BaggageEntry, Context } from "@opentelemetry/api";

import { mergeIdentity } from "../identity.ts";
import type { Identity } from "../identity.ts";
import {
  GEN_AI_AGENT_NAME,
  GEN_AI_CONVERSATION_ID,
  SESSION_ID,
  USER_ID,
  WAYBILL_AGENT_CONFIG_ID,
  WAYBILL_AGENT_VERSION,
} from "../semconv.ts";

/** Which baggage keys become which member of the identity; any other accepted key becomes an entry of its own name. */
const MEMBERS: Readonly<Record<string, (value: string) => Identity>> = {
  [USER_ID]: (userId) => ({ userId }),
  [SESSION_ID]: (sessionId) => ({ sessionId }),
  [GEN_AI_CONVERSATION_ID]: (conversationId) => ({ conversationId }),
  [GEN_AI_AGENT_NAME]: (name) => ({ agent: { name } }),
  [WAYBILL_AGENT_VERSION]: (version) => ({ agent: { version } }),
  [WAYBILL_AGENT_CONFIG_ID]: (configId) => ({ agent: { configId } }),
};

/** The context with only the accepted keys left in its baggage. */
export function contextWithAcceptedBaggage(context: Context, accept: readonly string[]): Context {
  const baggage = propagation.getBaggage(context);
  if (baggage === undefined) return context;

  const accepted: Record<string, BaggageEntry> = {};
  for (const key of accept) {
    const entry = baggage.getEntry(key);
    if (entry !== undefined) accepted[key] = entry;
  }
  return Object.keys(accepted).length === 0
    ? propagation.deleteBaggage(context)
    : propagation.setBaggage(context, propagation.createBaggage(accepted));
}

/** The identity that a context's baggage states. */
export function identityFromBaggage(context: Context): Identity {
  let identity: Identity = {};
  for (const [key, { value }] of propagation.getBaggage(context)?.getAllEntries() ?? []) {
    const member = Object.hasOwn(MEMBERS, key) ? MEMBERS[key] : undefined;
    identity = mergeIdentity(identity, member ? member(value) : { entries: { [key]: value } });
  }
  return identity;
}
