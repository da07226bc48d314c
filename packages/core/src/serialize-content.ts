/** How a value is written. */
export interface SerializeContentOptions {
  /** The most bytes (UTF-8) that the result may have. */
  readonly maxBytes: number;

  /** Sees every string value before it is written. Must not throw. */
  readonly redact: (value: string, path: readonly (string | number)[]) => string;

  /**
   * Write a single string as plain text instead of JSON.
   *
   * @default false
   */
  readonly plain?: boolean;
}

const MAX_DEPTH = 32;
/** Kept free per open container, for its closing bracket and the mark that says what was cut. */
const CONTAINER_RESERVE = 48;
const TRUNCATED = '"[truncated]"';

/**
 * Writes any value as valid JSON of at most `maxBytes` bytes, without ever building more than that.
 *
 * What does not fit is cut inside the values and marked there. Nothing throws: cycles, depth beyond 32, throwing
 * getters and `toJSON`s become marks; BigInt becomes a decimal string, binary data its type and size, Map and Set
 * become arrays, an Error its name and message. Functions, symbols and `undefined` are left out, as by `JSON.stringify`.
 */
export function serializeContent(value: unknown, options: SerializeContentOptions): string {
  const writer = new BoundedWriter(options);
  if (options.plain === true) return writer.plainText(String(value));
  writer.write(value);
  return writer.text;
}

class BoundedWriter {
  text = "";
  #free: number;
  readonly #maxBytes: number;
  readonly #redact: SerializeContentOptions["redact"];
  readonly #path: (string | number)[] = [];
  readonly #open = new Set<object>();

  constructor({ maxBytes, redact }: SerializeContentOptions) {
    this.#maxBytes = maxBytes;
    this.#free = maxBytes;
    this.#redact = redact;
  }

  plainText(value: string): string {
    return cutText(this.#redacted(value), this.#free, plainBytes);
  }

  write(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.#writeString(this.#redacted(value));
        return;
      case "number":
        this.#append(Number.isFinite(value) ? String(value) : `"${value}"`);
        return;
      case "boolean":
        this.#append(String(value));
        return;
      case "bigint":
        this.#append(`"${value}"`);
        return;
      case "object":
        if (value === null) this.#append("null");
        else this.#writeObject(value);
        return;
      default:
        this.#append("null");
    }
  }

  #writeObject(value: object): void {
    if (this.#open.has(value)) return this.#append('"[circular]"');
    if (this.#open.size >= MAX_DEPTH) return this.#append('"[depth limit]"');
    if (this.#free < 2 * CONTAINER_RESERVE) return this.#append(TRUNCATED);

    this.#open.add(value);
    try {
      const plain = plainForm(value);
      if (plain instanceof Entries) this.#writeEntries(plain.entries);
      else if (Array.isArray(plain)) this.#writeArray(plain);
      else this.write(plain);
    } catch {
      this.#append('"[unreadable]"');
    } finally {
      this.#open.delete(value);
    }
  }

  #writeArray(values: readonly unknown[]): void {
    this.#enter("[");
    for (const [index, value] of values.entries()) {
      if (index > 0) this.#append(",");
      if (this.#free < CONTAINER_RESERVE) {
        this.#append(`"[${values.length - index} more]"`);
        break;
      }
      this.#path.push(index);
      this.write(value);
      this.#path.pop();
    }
    this.#leave("]");
  }

  #writeEntries(entries: readonly (readonly [string, () => unknown])[]): void {
    this.#enter("{");
    let first = true;
    for (const [index, [key, read]] of entries.entries()) {
      if (this.#free < CONTAINER_RESERVE + Math.min(key.length * 6, this.#maxBytes)) {
        this.#append(`${first ? "" : ","}"…":"[${entries.length - index} more]"`);
        break;
      }
      const value = readOr(read, "[unreadable]");
      if (value === undefined || typeof value === "function" || typeof value === "symbol") continue;
      this.#append(`${first ? "" : ","}${JSON.stringify(key)}:`);
      first = false;
      this.#path.push(key);
      this.write(value);
      this.#path.pop();
    }
    this.#leave("}");
  }

  #writeString(value: string): void {
    const body = cutText(value, Math.max(0, this.#free - 2), jsonBytes);
    this.#append(JSON.stringify(body));
  }

  /** No more of a text is looked at than can be recorded, with room for a secret that crosses the cut. */
  #redacted(value: string): string {
    const seen = value.length > 2 * this.#maxBytes ? value.slice(0, 2 * this.#maxBytes) : value;
    const result = this.#redact(seen, this.#path);
    return seen === value ? result : `${result}${truncationMark(value.length - seen.length)}`;
  }

  #enter(bracket: string): void {
    this.#free -= CONTAINER_RESERVE;
    this.text += bracket;
  }

  #leave(bracket: string): void {
    this.#free += CONTAINER_RESERVE - 2;
    this.text += bracket;
  }

  #append(piece: string): void {
    this.text += piece;
    this.#free -= byteLength(piece);
  }
}

/** An object's entries, each read only when its turn comes. */
class Entries {
  readonly entries: readonly (readonly [string, () => unknown])[];
  constructor(value: object) {
    const source = value as Record<string, unknown>;
    this.entries = Object.keys(source).map((key) => [key, () => source[key]] as const);
  }
}

function plainForm(value: object): unknown {
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `[${value.constructor.name}, ${value.byteLength} bytes]`;
  }
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof Error) return new Entries({ name: value.name, message: value.message });
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    const json: unknown = toJSON.call(value);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? new Entries(json)
      : json;
  }
  return new Entries(value);
}

function readOr(read: () => unknown, fallback: string): unknown {
  try {
    return read();
  } catch {
    return fallback;
  }
}

/** The longest beginning of `text` that fits, with a mark if that is not all of it. */
function cutText(text: string, maxBytes: number, bytesAt: BytesAt): string {
  let bytes = 0;
  let fits = 0;
  const markBytes = byteLength(truncationMark(text.length));
  for (let index = 0; index < text.length;) {
    const codePoint = text.codePointAt(index) as number;
    const next = index + (codePoint > 0xffff ? 2 : 1);
    bytes += bytesAt(codePoint);
    if (bytes > maxBytes)
      return `${text.slice(0, fits)}${maxBytes < markBytes ? "" : truncationMark(text.length - fits)}`;
    if (bytes <= maxBytes - markBytes) fits = next;
    index = next;
  }
  return text;
}

function truncationMark(characters: number): string {
  return `…[truncated ${characters} chars]`;
}

type BytesAt = (codePoint: number) => number;

function plainBytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x1_0000 ? 3 : 4;
}

function jsonBytes(codePoint: number): number {
  if (codePoint === 0x22 || codePoint === 0x5c) return 2;
  const loneSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return codePoint < 0x20 || loneSurrogate ? 6 : plainBytes(codePoint);
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += plainBytes(character.codePointAt(0) as number);
  return bytes;
}
