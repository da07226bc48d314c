import { propagation } from "@opentelemetry/api";
import type { BaggageEntry, Context } from "@opentelemetry/api";

import { byteLength } from "../cut-text.ts";
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
import type { BaggageOptions } from "./middleware-options.ts";

/** Which baggage keys become which member of the identity; any other accepted key becomes an entry of its own name. */
const MEMBERS: Readonly<Record<string, (value: string) => Identity>> = {
  [USER_ID]: (userId) => ({ userId }),
  [SESSION_ID]: (sessionId) => ({ sessionId }),
  [GEN_AI_CONVERSATION_ID]: (conversationId) => ({ conversationId }),
  [GEN_AI_AGENT_NAME]: (name) => ({ agent: { name } }),
  [WAYBILL_AGENT_VERSION]: (version) => ({ agent: { version } }),
  [WAYBILL_AGENT_CONFIG_ID]: (configId) => ({ agent: { configId } }),
};

const DEFAULT_MAX_MEMBERS = 16;
const DEFAULT_MAX_BYTES = 8192;
const DEFAULT_MAX_VALUE_LENGTH = 256;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/**
 * The context with only that left in its baggage which is let in. Control characters are removed from values; properties
 * that have any are left out, since some propagators send them as they are.
 */
export function contextWithAcceptedBaggage(
  context: Context,
  {
    accept = [],
    maxMembers = DEFAULT_MAX_MEMBERS,
    maxBytes = DEFAULT_MAX_BYTES,
    maxValueLength = DEFAULT_MAX_VALUE_LENGTH,
  }: BaggageOptions,
): Context {
  const baggage = propagation.getBaggage(context);
  if (baggage === undefined) return context;

  const accepted = new Map<string, BaggageEntry>();
  let bytesLeft = maxBytes;
  for (const key of accept) {
    const entry = accepted.has(key) ? undefined : baggage.getEntry(key);
    if (entry === undefined || entry.value.length > maxValueLength) continue;
    const size = byteLength(key) + byteLength(entry.value);
    if (accepted.size === maxMembers || size > bytesLeft) continue;
    bytesLeft -= size;
    accepted.set(key, withoutControlCharacters(entry));
  }
  return accepted.size === 0
    ? propagation.deleteBaggage(context)
    : propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(accepted)));
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

function withoutControlCharacters({ value, metadata }: BaggageEntry): BaggageEntry {
  const clean = value.replaceAll(CONTROL_CHARACTERS, "");
  const keepsMetadata =
    metadata !== undefined && metadata.toString().search(CONTROL_CHARACTERS) === -1;
  return keepsMetadata ? { value: clean, metadata } : { value: clean };
}
