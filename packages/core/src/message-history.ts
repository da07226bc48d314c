import { asMessages, textParts } from "./as-messages.ts";
import { attempt } from "./report-failure.ts";

/** Which messages of a model call are recorded, see `WaybillSettings.history`. */
export type HistoryMode = "new" | "full";

/** What a model is given. */
export interface LlmInput<M = unknown> {
  /**
   * The messages, oldest first, without the system instructions that lead them. A string stands for the user's message of
   * that text.
   */
  readonly messages: readonly M[] | string;

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

  /** The system instructions, in the GenAI message schema or as one text. */
  readonly system?: unknown;
}

/** Which of what a model is given is recorded on this call. */
export interface Recorded {
  readonly messages: boolean;
  readonly system: boolean;
}

/** What is recorded of what a model is given; `undefined` where there is nothing to record. */
export interface NewInput {
  readonly messages: unknown;

  /** The index of the first recorded message; `undefined` if that is 0. */
  readonly firstMessage: number | undefined;

  /** Which conversation of its run goes on, from 1 on; `undefined` for the first one. */
  readonly conversation: number | undefined;

  readonly system: unknown;
}

/**
 * What a model is given that `history` does not know, which then knows it. It is all of it if these messages do not begin
 * with all those of an earlier call (they were compacted or trimmed, or it is another conversation), or without a history.
 */
export function takeNewInput<M>(
  history: MessageHistory | undefined,
  given: LlmInput<M> | string,
  recorded: Recorded,
): NewInput {
  const input: LlmInput<M> = typeof given === "string" ? { messages: given } : given;
  const system = textParts(input.system);
  if (!Array.isArray(input.messages)) {
    const messages = asMessages("user", input.messages);
    return { messages, firstMessage: undefined, conversation: undefined, system };
  }
  const messages: readonly M[] = input.messages;
  const known =
    history &&
    attempt("messages could not be compared; all are recorded", () =>
      history.advance(messages, input, recorded),
    );
  const firstMessage = known?.messages || undefined;
  const fresh = messages.slice(firstMessage).map((message) => {
    // Converted one by one as they are written, as far as the budget goes.
    if (input.toMessage !== undefined) return { toJSON: () => input.toMessage?.(message) };
    return typeof message === "string" ? { role: "user", parts: textParts(message) } : message;
  });
  return {
    messages: firstMessage !== undefined && fresh.length === 0 ? undefined : fresh,
    firstMessage,
    conversation: known && known.conversation > 1 ? known.conversation : undefined,
    system: firstMessage !== undefined && known?.system === true ? undefined : system,
  };
}

/** What of an input was known. */
interface KnownInput {
  /** How many of the messages, from the first on. */
  readonly messages: number;

  /** Which conversation of the run they belong to, from 1 on. */
  readonly conversation: number;

  /** Whether the system instructions are those that were recorded last in it. */
  readonly system: boolean;
}

/** What is remembered of a conversation: how many messages its last call had, and hashes. */
interface Conversation {
  readonly number: number;
  count: number;
  hash: number;

  /** Whether all its messages were recorded. */
  isRecorded: boolean;
  systemHash: number | undefined;
}

/**
 * What an agent's run remembers of the messages that its model calls were given, of the four conversations that went on
 * last: their number and a rolling hash, never themselves.
 *
 * To compare a message is a look at its first 64 values, and at 32 characters of each text: it costs the same for a
 * message of any size, but for what its `toJSON` costs.
 */
export class MessageHistory {
  #conversations: Conversation[] = [];
  #started = 0;

  /** Remembers what a model is given, and tells what of it was known. */
  advance<M>(messages: readonly M[], input: LlmInput<M>, recorded: Recorded): KnownInput {
    const systemHash = fingerprint(input.system);
    let hash = EMPTY;
    let known: Conversation | undefined;
    for (const [index, message] of messages.entries()) {
      const key = input.keyOf === undefined ? message : input.keyOf(message);
      hash = mix(hash, fingerprint(key));
      const count = index + 1;
      known = this.#conversations.find((one) => one.count === count && one.hash === hash) ?? known;
    }
    if (messages.length === 0) return { messages: 0, conversation: 1, system: false };

    const before = known && { ...known };
    const conversation = known ?? {
      number: (this.#started += 1),
      count: 0,
      hash,
      isRecorded: false,
      systemHash: undefined,
    };
    conversation.count = messages.length;
    conversation.hash = hash;
    conversation.isRecorded = recorded.messages;
    if (recorded.system) conversation.systemHash = systemHash;
    const others = this.#conversations.filter((one) => one !== conversation);
    this.#conversations = [conversation, ...others].slice(0, MAX_CONVERSATIONS);
    return {
      messages: before && (before.isRecorded || !recorded.messages) ? before.count : 0,
      conversation: conversation.number,
      system: before?.systemHash === systemHash,
    };
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
const MAX_CONVERSATIONS = 4;
const MAX_VALUES = 64;
const MAX_ITEMS = 16;
const MAX_CHARACTERS = 32;

/** Differs for every value that cannot be read. */
let unreadable = 0;

/** A number that two values share if they look alike; one that nothing can be seen of is alike to no other. */
function fingerprint(value: unknown): number {
  let hash = EMPTY;
  let values = 0;

  const addSampled = (length: number, most: number, addAt: (index: number) => void): void => {
    const step = Math.ceil(length / most);
    hash = mix(hash, length);
    for (let index = length - 1; index >= 0; index -= step) addAt(index);
  };
  const addText = (text: string): void =>
    addSampled(text.length, MAX_CHARACTERS, (index) => {
      hash = mix(hash, text.charCodeAt(index));
    });
  const addMembers = (object: object): void => {
    let members = 0;
    for (const key in object) {
      members += 1;
      if (members > MAX_ITEMS) break;
      addText(key);
      add((object as Record<string, unknown>)[key]);
    }
    if (members === 0 && !isPlain(object)) hash = mix(hash, (unreadable += 1));
  };
  const add = (part: unknown): void => {
    values += 1;
    if (values > MAX_VALUES) return;
    if (typeof part === "bigint") return addText(`${BigInt.asIntN(64, part)}n`);
    if (typeof part === "string") return addText(part);
    if (typeof part === "number" || typeof part === "boolean") return addText(String(part));
    if (typeof part !== "object" || part === null) return addText(typeof part);
    if (part instanceof ArrayBuffer) return add(new Uint8Array(part));
    if (ArrayBuffer.isView(part)) {
      const { buffer, byteOffset, byteLength } = part;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      return addSampled(byteLength, MAX_CHARACTERS, (index) => {
        hash = mix(hash, bytes[index] ?? 0);
      });
    }
    if (Array.isArray(part)) return addSampled(part.length, MAX_ITEMS, (index) => add(part[index]));
    const { toJSON } = part as { readonly toJSON?: unknown };
    if (typeof toJSON === "function") return add(toJSON.call(part));
    addMembers(part);
  };

  add(value);
  return hash;
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || prototype === Object.prototype;
}

/** @see http://www.isthe.com/chongo/tech/comp/fnv/ FNV-1a, over numbers instead of bytes */
function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x0100_0193);
}
