import type { TraceState } from "@opentelemetry/api";

import { listMembers, trimBlanks } from "./header-list.ts";

type Member = readonly [key: string, value: string];

const MAX_MEMBERS = 32;
const MAX_KEY_AND_VALUE_LENGTH = 256;
/** No valid header is longer: all members at their longest, with their equals signs, and the commas between them. */
const MAX_HEADER_LENGTH = MAX_MEMBERS * (2 * MAX_KEY_AND_VALUE_LENGTH + 1) + MAX_MEMBERS - 1;
const MAX_SENT_LENGTH = 512;
const LARGE_MEMBER_LENGTH = 128;

const KEY = /^[a-z\d][a-z\d_\-*/@]{0,255}$/;
const VALUE = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/**
 * The `tracestate` of a request: what each tracing system on the way noted for itself, the latest first.
 *
 * It is parsed when somebody asks for the first time. If anything in it is malformed, or if it has more than 32
 * members, it counts as empty as a whole; of two members with one key the first counts. Immutable.
 *
 * @see https://www.w3.org/TR/trace-context-2/#tracestate-header
 */
export class LazyTraceState implements TraceState {
  readonly #header: string;
  #members: readonly Member[] | undefined;
  #serialized: string | undefined;

  /** @param source The header (several lines of it joined by commas), or valid members. */
  constructor(source: string | readonly Member[]) {
    this.#header = typeof source === "string" ? source : "";
    this.#members = typeof source === "string" ? undefined : source;
  }

  get(key: string): string | undefined {
    return this.#all().find(([known]) => known === key)?.[1];
  }

  /**
   * Puts a member in front. If that makes more than 32, the last one goes. An invalid key or value changes nothing.
   */
  set(key: string, value: string): LazyTraceState {
    if (!KEY.test(key) || !VALUE.test(value)) return this;
    return new LazyTraceState([[key, value] as const, ...this.#without(key)].slice(0, MAX_MEMBERS));
  }

  unset(key: string): LazyTraceState {
    return new LazyTraceState(this.#without(key));
  }

  /**
   * The header to send, empty if there is nothing to send. It has at most 512 characters: of what is longer, whole
   * members are left out, those of more than 128 characters first, from the end.
   */
  serialize(): string {
    return (this.#serialized ??= shortened(
      this.#all().map(([key, value]) => `${key}=${value}`),
    ).join(","));
  }

  #all(): readonly Member[] {
    return (this.#members ??= parseMembers(this.#header));
  }

  #without(key: string): readonly Member[] {
    return this.#all().filter(([known]) => known !== key);
  }
}

function parseMembers(header: string): readonly Member[] {
  if (header.length > MAX_HEADER_LENGTH) return [];

  const members = new Map<string, string>();
  let count = 0;
  for (const text of listMembers(header)) {
    const member = trimBlanks(text);
    if (member === "") continue;
    count += 1;
    const equals = member.indexOf("=");
    const key = member.slice(0, Math.max(0, equals));
    const value = member.slice(equals + 1);
    if (count > MAX_MEMBERS || !KEY.test(key) || !VALUE.test(value)) return [];
    if (!members.has(key)) members.set(key, value);
  }
  return [...members];
}

function shortened(members: readonly string[]): readonly string[] {
  const kept = [...members];
  while (kept.join(",").length > MAX_SENT_LENGTH) {
    const lastLarge = kept.findLastIndex(({ length }) => length > LARGE_MEMBER_LENGTH);
    kept.splice(lastLarge === -1 ? kept.length - 1 : lastLarge, 1);
  }
  return kept;
}
