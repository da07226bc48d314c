/** How large a value is, without its content. */
export interface JsonSize {
  /** The bytes (UTF-8) that it takes as JSON; a string, without its quotes and escapes; binary data, as it is. */
  readonly bytes: number;

  /** The names of an object's members, at most 32 of them. */
  readonly keys: readonly string[] | undefined;
}

const MAX_NODES = 10_000;
const MAX_DEPTH = 64;
const MAX_CHARACTERS = 4_194_304;
const MAX_KEYS = 32;
const MAX_KEY_LENGTH = 64;
const NULL_BYTES = 4;
const encoder = new TextEncoder();

/**
 * Measures a value as JSON without writing it. Getters are not called, nor is `toJSON`: what they would give is not
 * counted.
 *
 * @returns Nothing for a value of more than 10,000 nodes, deeper than 64, circular, or with more than 4 Mi characters;
 * and nothing for what is no data at all.
 */
export function jsonSize(value: unknown): JsonSize | undefined {
  if (isNoData(value)) return undefined;
  try {
    const bytes = typeof value === "string" ? textBytes(value) : new Measure().bytes(value, 0);
    return { bytes, keys: memberNames(value) };
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

class TooLarge extends Error {}

class Measure {
  #nodes = 0;
  #characters = 0;

  bytes(value: unknown, depth: number): number {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) throw new TooLarge();
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "number")
      return Number.isFinite(value) ? String(value).length : NULL_BYTES;
    if (typeof value !== "object" || value === null) return String(value).length;
    if (ArrayBuffer.isView(value)) return value.byteLength;
    return Array.isArray(value) ? this.#array(value, depth) : this.#object(value, depth);
  }

  #array(values: readonly unknown[], depth: number): number {
    let total = 2 + Math.max(0, values.length - 1);
    for (let index = 0; index < values.length; index += 1) {
      const value = memberValue(values, String(index));
      total += this.bytes(isNoData(value) ? null : value, depth + 1);
    }
    return total;
  }

  #object(object: object, depth: number): number {
    let total = 2;
    for (const key of Object.keys(object)) {
      const value = memberValue(object, key);
      if (isNoData(value)) continue;
      const comma = total > 2 ? 1 : 0;
      total += comma + this.#text(key) + 1 + this.bytes(value, depth + 1);
    }
    return total;
  }

  /** With its quotes and escapes. */
  #text(text: string): number {
    this.#characters += text.length;
    if (this.#characters > MAX_CHARACTERS) throw new TooLarge();
    let total = 2;
    for (let index = 0; index < text.length;) {
      const character = text.codePointAt(index) as number;
      total += jsonCharacterBytes(character);
      index += character > 0xffff ? 2 : 1;
    }
    return total;
  }
}

/** JSON leaves it out. */
function isNoData(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}

function memberValue(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}

function memberNames(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return undefined;
  return Object.keys(value)
    .slice(0, MAX_KEYS)
    .map((key) => key.slice(0, MAX_KEY_LENGTH));
}

function textBytes(text: string): number {
  if (text.length > MAX_CHARACTERS) throw new TooLarge();
  return encoder.encode(text).byteLength;
}

/** A code point in UTF-8, escaped where JSON asks for it: `\n`, `\u0001`, `\ud800` without its other half. */
function jsonCharacterBytes(codePoint: number): number {
  if (codePoint < 0x20) return "\b\t\n\f\r".includes(String.fromCodePoint(codePoint)) ? 2 : 6;
  if (codePoint < 0x80) return codePoint === 0x22 || codePoint === 0x5c ? 2 : 1;
  if (codePoint < 0x800) return 2;
  if (codePoint > 0xffff) return 4;
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? 6 : 3;
}
