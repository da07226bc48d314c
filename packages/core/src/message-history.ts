import { attempt } from "./report-failure.ts";

/** Which messages of a model call are recorded, see `WaybillSettings.history`. */
export type HistoryMode = "new" | "full";

/** What a model is given. */
export interface LlmInput<M = unknown> {
  /** The messages, oldest first, without the system instructions that lead them. */
  readonly messages: readonly M[];

  /**
   * Turns a message into one in the GenAI message schema. Called only for messages that are recorded.
   *
   * @default they are in that schema already
   */
  toMessage?(message: M): unknown;

  /**
   * What tells a message from others: its role, its text, its tool calls. Leave out what may change from one call to the
   * next in the same message (ids, marks for a provider's cache).
   *
   * @default the message itself
   */
  keyOf?(message: M): unknown;

  /** The system instructions, in the GenAI message schema. */
  readonly system?: unknown;
}

/** What is recorded of what a model is given; `undefined` where there is nothing to record. */
export interface NewInput {
  readonly messages: readonly unknown[] | undefined;

  /** The index of the first recorded message; `undefined` if that is 0. */
  readonly firstMessage: number | undefined;

  readonly system: unknown;
}

/**
 * What a model is given that `history` does not know, which then knows it. It is all of it if the known messages are not
 * the first ones of these (they were compacted or trimmed, or it is another conversation), or without a history.
 */
export function takeNewInput<M>(history: MessageHistory | undefined, input: LlmInput<M>): NewInput {
  const { messages, system } = input;
  const known =
    history &&
    attempt("messages could not be compared; all are recorded", () => history.advance(input));
  const firstMessage = known?.messages || undefined;
  const recorded = messages.slice(firstMessage).map((message) =>
    // Converted one by one as they are written, as far as the budget goes.
    input.toMessage === undefined ? message : { toJSON: () => input.toMessage?.(message) },
  );
  return {
    messages: firstMessage !== undefined && recorded.length === 0 ? undefined : recorded,
    firstMessage,
    system: firstMessage !== undefined && known?.system === true ? undefined : system,
  };
}

/** What of an input was known. */
interface KnownInput {
  /** How many of the messages, from the first on. */
  readonly messages: number;

  /** Whether the system instructions are those of the last time. */
  readonly system: boolean;
}

/**
 * What an agent's run remembers of the messages that its last model call was given: their number and a rolling hash,
 * never themselves.
 *
 * To compare a message is a look at its first 64 values, and at 32 characters of each text: it costs the same for a
 * message of any size.
 */
export class MessageHistory {
  #count = 0;
  #hash = EMPTY;
  #systemHash: number | undefined;

  /** Remembers what a model is given, and tells what of it was known. */
  advance<M>(input: LlmInput<M>): KnownInput {
    const systemHash = fingerprint(input.system);
    let hash = EMPTY;
    let known = 0;
    for (const [index, message] of input.messages.entries()) {
      const key = input.keyOf === undefined ? message : input.keyOf(message);
      hash = mix(hash, fingerprint(key));
      if (index + 1 === this.#count && hash === this.#hash) known = this.#count;
    }

    const isSystemKnown = systemHash === this.#systemHash;
    this.#count = input.messages.length;
    this.#hash = hash;
    this.#systemHash = systemHash;
    return { messages: known, system: isSystemKnown };
  }
}

const histories = new WeakMap<object, MessageHistory>();

/** The history of an agent's run or of a tool call: one for each, and gone with it. */
export function historyOf(owner: object): MessageHistory {
  let history = histories.get(owner);
  if (history === undefined) histories.set(owner, (history = new MessageHistory()));
  return history;
}

const EMPTY = 0x811c_9dc5;
const MAX_VALUES = 64;
const MAX_ITEMS = 16;
const MAX_CHARACTERS = 32;

/** A number that two values share if they look alike. */
function fingerprint(value: unknown): number {
  let hash = EMPTY;
  let values = 0;

  const addText = (text: string): void => {
    const step = Math.ceil(text.length / MAX_CHARACTERS);
    hash = mix(hash, text.length);
    for (let index = text.length - 1; index >= 0; index -= step) {
      hash = mix(hash, text.charCodeAt(index));
    }
  };
  const add = (part: unknown): void => {
    values += 1;
    if (values > MAX_VALUES) return;
    if (typeof part === "string") return addText(part);
    if (typeof part === "number" || typeof part === "boolean") return addText(String(part));
    if (typeof part !== "object" || part === null) return addText(typeof part);
    if (ArrayBuffer.isView(part)) {
      hash = mix(hash, part.byteLength);
    } else if (Array.isArray(part)) {
      const step = Math.ceil(part.length / MAX_ITEMS);
      hash = mix(hash, part.length);
      for (let index = part.length - 1; index >= 0; index -= step) add(part[index]);
    } else {
      let members = 0;
      for (const key in part) {
        members += 1;
        if (members > MAX_ITEMS) break;
        addText(key);
        add((part as Record<string, unknown>)[key]);
      }
    }
  };

  add(value);
  return hash;
}

/** @see http://www.isthe.com/chongo/tech/comp/fnv/ FNV-1a, over numbers instead of bytes */
function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x0100_0193);
}
