import type { Attributes } from "@opentelemetry/api";

import { definedMembers } from "./defined-members.ts";
import { boundedText, recordableName, withoutControlCharacters } from "./recordable-name.ts";
import { reportFailure } from "./report-failure.ts";
import {
  GEN_AI_AGENT_NAME,
  GEN_AI_CONVERSATION_ID,
  SESSION_ID,
  USER_ID,
  WAYBILL_AGENT_CONFIG_ID,
  WAYBILL_AGENT_VERSION,
} from "./semconv.ts";
import { namespaceOf, WRITTEN_NAMESPACES } from "./taken-namespaces.ts";

/** The agent at work, and the configuration it works with. */
export interface AgentIdentity {
  /**
   * Written on GenAI spans as `gen_ai.agent.name`; inside a nested agent it is that agent's name. It passes the redactors,
   * and is at most 128 characters long. An empty one takes the name away that was known before.
   */
  readonly name?: string;

  /** Written on every span as `waybill.agent.version`, also inside nested agents that do not name their own. */
  readonly version?: string;

  /** Written on every span as `waybill.agent.config_id`, also inside nested agents that do not name their own. */
  readonly configId?: string;
}

/**
 * Whose work it is. What is given is written on every span that starts from then on.
 *
 * Values are at most 256 characters long (what is longer is cut); control characters are removed.
 */
export interface Identity {
  /** Written as `user.id`. */
  readonly userId?: string;

  /** Written as `session.id`. */
  readonly sessionId?: string;

  /** Written on GenAI spans as `gen_ai.conversation.id`. Give a real id, not one made up for the occasion. */
  readonly conversationId?: string;

  readonly agent?: AgentIdentity;

  /**
   * Further entries, each written under its own key (`tenant`, `plan`): at most 16 in all, with keys of at most 128
   * characters and no control characters in them. A key in a namespace that Waybill writes itself (`gen_ai.`, `http.`,
   * `error.`, `service.`, `waybill.` and the like) is left out: it could falsify what a span says.
   */
  readonly entries?: Readonly<Record<string, string>>;
}

const MAX_ENTRIES = 16;
const MAX_KEY_LENGTH = 128;

/** `base` with all that `patch` gives laid over it; the agent's members and the entries one by one. */
export function mergeIdentity(base: Identity, patch: Identity): Identity {
  const agent = { ...base.agent, ...definedMembers(patch.agent) };
  const entries = boundedEntries({ ...base.entries, ...patch.entries });
  return definedMembers({
    ...base,
    ...definedMembers(patch),
    agent: Object.keys(agent).length > 0 ? agent : undefined,
    entries: Object.keys(entries).length > 0 ? entries : undefined,
  }) as Identity;
}

/**
 * An identity as it may be recorded: strings only, bounded, without control characters. Whatever else it holds is left
 * out and reported to `diag`: an identity often comes from a request, which must not fail because of it.
 */
export function cleanIdentity(identity: Identity): Identity {
  const { userId, sessionId, conversationId, agent, entries } = identity;
  return definedMembers({
    userId: cleanValue("userId", userId),
    sessionId: cleanValue("sessionId", sessionId),
    conversationId: cleanValue("conversationId", conversationId),
    agent:
      agent &&
      definedMembers({
        name: agent.name === "" ? "" : recordableName(cleanValue("agent.name", agent.name)),
        version: cleanValue("agent.version", agent.version),
        configId: cleanValue("agent.configId", agent.configId),
      }),
    entries: entries && cleanEntries(entries),
  }) as Identity;
}

/** What an identity writes: on every span, and on spans with a `gen_ai.operation.name` in addition. */
export interface IdentityAttributes {
  readonly all: Attributes;
  readonly genAi: Attributes;
}

/** The attributes of an identity. */
export function identityAttributes(identity: Identity): IdentityAttributes {
  return {
    all: definedMembers({
      ...identity.entries,
      [USER_ID]: identity.userId,
      [SESSION_ID]: identity.sessionId,
      [WAYBILL_AGENT_VERSION]: identity.agent?.version,
      [WAYBILL_AGENT_CONFIG_ID]: identity.agent?.configId,
    }),
    genAi: definedMembers({
      [GEN_AI_CONVERSATION_ID]: identity.conversationId,
      [GEN_AI_AGENT_NAME]: identity.agent?.name || undefined,
    }),
  };
}

function cleanEntries(entries: unknown): Record<string, string> {
  if (typeof entries !== "object" || entries === null || Array.isArray(entries)) {
    reportFailure("identity member `entries` is no object; it was left out");
    return {};
  }
  const clean = Object.entries(entries).flatMap(([key, value]) => {
    const isKey =
      key.length <= MAX_KEY_LENGTH &&
      key === withoutControlCharacters(key) &&
      !WRITTEN_NAMESPACES.has(namespaceOf(key));
    if (!isKey) reportFailure("an entry of an identity was left out because of its key");
    const text = isKey ? cleanValue(key, value) : undefined;
    return text === undefined || key === "__proto__" ? [] : [[key, text] as const];
  });
  return boundedEntries(Object.fromEntries(clean));
}

function boundedEntries(entries: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries(entries);
  if (all.length <= MAX_ENTRIES) return entries;
  reportFailure(`an identity has more than ${MAX_ENTRIES} entries; the others were left out`);
  return Object.fromEntries(all.slice(0, MAX_ENTRIES));
}

function cleanValue(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
    reportFailure(`identity member \`${name}\` is no string; it was left out`);
    return undefined;
  }
  return boundedText(String(value)) || undefined;
}
