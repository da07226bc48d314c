import { byteLength } from "./cut-text.ts";

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
    return { bytes: measured(value), keys: memberNames(value) };
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

class TooLarge extends Error {}

function measured(whole: unknown): number {
  let nodes = 0;
  let characters = 0;

  const counted = (text: string): string => {
    characters += text.length;
    if (characters > MAX_CHARACTERS) throw new TooLarge();
    return text;
  };
  const bytes = (value: unknown, depth: number): number => {
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) throw new TooLarge();
    if (typeof value === "bigint") return String(value).length;
    if (typeof value !== "object" || value === null) {
      return byteLength(JSON.stringify(typeof value === "string" ? counted(value) : value));
    }
    if (ArrayBuffer.isView(value)) return value.byteLength;

    const isList = Array.isArray(value);
    const keys: ArrayLike<unknown> = isList ? value : Object.keys(value);
    let total = 2;
    for (let index = 0; index < keys.length; index += 1) {
      const key = isList ? String(index) : (keys[index] as string);
      const member: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
      if (isNoData(member) && !isList) continue;
      const name = isList ? 0 : byteLength(JSON.stringify(counted(key))) + 1;
      total += (total > 2 ? 1 : 0) + name + bytes(isNoData(member) ? null : member, depth + 1);
    }
    return total;
  };

  return typeof whole === "string" ? byteLength(counted(whole).toWellFormed()) : bytes(whole, 0);
}

/** JSON leaves it out. */
function isNoData(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}

function memberNames(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return undefined;
  return Object.keys(value).slice(0, MAX_KEYS);
}
