import { contentForm } from "./content-form.ts";
import type { Items, Members } from "./content-form.ts";
import { byteLength, cutText, jsonBytes, plainBytes } from "./cut-text.ts";
import type { BytesAt } from "./cut-text.ts";
import { withoutInlineMedia } from "./media.ts";

/** How a value is written. */
export interface SerializeContentOptions {
  /** The most bytes (UTF-8) that the result may have. JSON needs 2 of them; fewer count as 2. */
  readonly maxBytes: number;

  /**
   * Sees every text before it is written: string values, numbers of 13 digits and more, and the keys of objects, these
   * with the path of the object that has them. Must not throw.
   */
  readonly redact: (value: string, path: readonly (string | number)[]) => string;
}

/**
 * Writes any value as valid JSON of at most `maxBytes` bytes, without ever building more than that.
 *
 * What does not fit is cut inside the values and marked there (`…[truncated 12 chars]`, `[12 more]`, `[truncated]`;
 * below some twenty bytes `…` or nothing), and is not read: of a wide object only the members that fit, of a Map or a
 * Set only the entries that fit, of a text only what fits twice over. The names of an object's members are all listed.
 *
 * Nothing throws: cycles, depth beyond 32, throwing getters, `toJSON`s and proxies become marks. A BigInt becomes a
 * decimal string, binary data and inline media their type, size and hash, Map and Set become arrays, an Error its name,
 * message and cause. Functions, symbols and `undefined` are left out, as by `JSON.stringify`. Iterators are not touched:
 * they belong to the application.
 */
export function serializeContent(value: unknown, options: SerializeContentOptions): string {
  const writer = new BoundedWriter(options, Math.max(2, options.maxBytes));
  writer.write(value);
  return writer.text;
}

/** A single text, redacted and cut like the texts in {@link serializeContent}, but not quoted. */
export function boundedText(text: string, options: SerializeContentOptions): string {
  return new BoundedWriter(options, options.maxBytes).plainText(text);
}

const MAX_DEPTH = 32;
const MAX_KEY_BYTES = 256;
const MAX_BIGINT = 1n << 1024n;
/** Numbers from here on have 13 digits, enough for a card's. */
const MIN_LONG_NUMBER = 1e12;
/** Kept free per open container: its brackets, and the mark that says how much was cut (`,"…":"[123 more]"`). */
const CONTAINER_RESERVE = 32;
/** Room for any value, were it only for the mark of one that does not fit (`"…"`). */
const MIN_VALUE_BYTES = 5;
/** Where a text was cut before it was redacted, so much of its end is left out: a secret may have been cut in two. */
const MAX_SECRET_LENGTH = 1024;

class BoundedWriter {
  text = "";
  /** Bytes that are neither written nor kept for the end of an open container. */
  #free: number;
  readonly #redact: SerializeContentOptions["redact"];
  readonly #path: (string | number)[] = [];
  readonly #open = new Set<object>();

  constructor({ redact }: SerializeContentOptions, maxBytes: number) {
    this.#free = maxBytes;
    this.#redact = redact;
  }

  plainText(value: string): string {
    return this.#recordable(value, this.#free, plainBytes);
  }

  /** Needs two free bytes, and says of what it leaves out if it has five. */
  write(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.#writeString(value);
        return;
      case "number":
        this.#writeNumber(value);
        return;
      case "boolean":
        this.#writeShort(String(value));
        return;
      case "bigint":
        if (value > MAX_BIGINT || value < -MAX_BIGINT) this.#writeMark("large BigInt");
        else this.#writeString(String(value));
        return;
      case "object":
        if (value === null) this.#writeShort("null");
        else this.#writeObject(value);
        return;
      default:
        this.#writeShort("null");
    }
  }

  #writeString(value: string): void {
    this.#append(JSON.stringify(this.#recordable(value, this.#free - 2, jsonBytes)));
  }

  #writeNumber(value: number): void {
    const text = String(value);
    if (!Number.isFinite(value)) return this.#writeShort(`"${text}"`);
    const safe = Math.abs(value) < MIN_LONG_NUMBER ? text : this.#redact(text, this.#path);
    if (safe === text) this.#writeShort(text);
    else this.#append(JSON.stringify(cutText(safe, this.#free - 2, jsonBytes)));
  }

  #writeObject(value: object): void {
    if (this.#open.has(value)) return this.#writeMark("circular");
    if (this.#open.size >= MAX_DEPTH) return this.#writeMark("depth limit");

    const form = attemptRead(() => contentForm(value));
    if ("unreadable" in form) return this.#writeMark("unreadable");
    if ("mark" in form) return this.#writeShort(JSON.stringify(form.mark));
    this.#open.add(value);
    if ("plain" in form) this.write(form.plain);
    else if (this.#free < CONTAINER_RESERVE + MIN_VALUE_BYTES) this.#writeMark("truncated");
    else if ("keys" in form) this.#writeMembers(form);
    else this.#writeItems(form);
    this.#open.delete(value);
  }

  #writeItems({ size, next }: Items): void {
    this.#enter("[");
    let more = "";
    for (let index = 0; index < size && more === ""; index += 1) {
      const comma = index > 0 ? "," : "";
      if (this.#free < comma.length + MIN_VALUE_BYTES) {
        more = `${comma}"[${size - index} more]"`;
      } else {
        this.#append(comma);
        this.#writeRead(attemptRead(next), index);
      }
    }
    this.#leave("]", more);
  }

  #writeMembers({ source, keys }: Members): void {
    const names = new Set<string>();
    this.#enter("{");
    let more = "";
    for (let index = 0; index < keys.length && more === ""; index += 1) {
      const key = keys[index] as string;
      const comma = names.size > 0 ? "," : "";
      const name = this.#nameOf(key, index, names);
      const head = `${comma}${JSON.stringify(name)}:`;
      if (this.#free < byteLength(head) + MIN_VALUE_BYTES) {
        more = `${comma}"…":"[${keys.length - index} more]"`;
      } else {
        const value = attemptRead(() => source[key]);
        if (isLeftOut(value)) {
          // It costs a byte all the same, so that no object is read without end.
          this.#free -= 1;
          continue;
        }
        names.add(name);
        this.#append(head);
        this.#writeRead(value, key);
      }
    }
    this.#leave("}", more);
  }

  /** A key as it is written. Two that look alike once they are redacted are told apart by their place. */
  #nameOf(key: string, index: number, names: ReadonlySet<string>): string {
    const name = this.#recordable(key, MAX_KEY_BYTES, jsonBytes);
    return names.has(name) ? `${name} (${index + 1})` : name;
  }

  #writeRead(value: unknown, place: string | number): void {
    this.#path.push(place);
    if (value === UNREADABLE) this.#writeMark("unreadable");
    else this.write(value);
    this.#path.pop();
  }

  /** What may be recorded of a text. No more of it is looked at than it takes. */
  #recordable(value: string, maxBytes: number, bytesAt: BytesAt): string {
    const { text, rest } = withoutInlineMedia(value, 2 * maxBytes + MAX_SECRET_LENGTH);
    const safe = this.#redact(text, this.#path);
    return rest === 0
      ? cutText(safe, maxBytes, bytesAt)
      : cutText(safe.slice(0, -MAX_SECRET_LENGTH), maxBytes, bytesAt, rest + MAX_SECRET_LENGTH);
  }

  #enter(bracket: string): void {
    this.#free -= CONTAINER_RESERVE;
    this.text += bracket;
  }

  #leave(bracket: string, more: string): void {
    this.#free += CONTAINER_RESERVE;
    this.#append(more + bracket);
    this.#free -= 1;
  }

  #writeMark(what: string): void {
    this.#writeShort(`"[${what}]"`);
  }

  #writeShort(json: string): void {
    const fits = [json, '"…"'].find((piece) => byteLength(piece) <= this.#free);
    this.#append(fits ?? '""');
  }

  #append(piece: string): void {
    this.text += piece;
    this.#free -= byteLength(piece);
  }
}

/** What comes of reading something that throws. */
const UNREADABLE = { unreadable: true } as const;

function attemptRead<T>(read: () => T): T | typeof UNREADABLE {
  try {
    return read();
  } catch {
    return UNREADABLE;
  }
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}
