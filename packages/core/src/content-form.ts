import { mediaMark } from "./media.ts";

/** What an object is recorded as: a list, members, another value, or a mark in its place. */
export type ContentForm = Items | Members | { readonly plain: unknown } | { readonly mark: string };

/** Entries that are read one by one. */
export interface Items {
  readonly size: number;
  readonly next: () => unknown;
}

/**
 * Members that are read one by one. Their names are not: no engine lists an object's keys without collecting them all
 * first (about a second for a million), and `for…in` takes as long. All else is bounded by what is written.
 */
export interface Members {
  readonly source: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
}

/**
 * What an object is recorded as: binary data as its type, size and hash, Map and Set as lists, an Error as its name,
 * message and cause, what has a `toJSON` as what that gives, anything else as its own enumerable members. May throw what
 * the object throws.
 */
export function contentForm(value: object, mayHaveJson = true): ContentForm {
  if (Array.isArray(value)) return arrayItems(value);
  const mark = mediaMark(value);
  if (mark !== undefined) return { mark };
  if (value instanceof Map) return collectionItems(value, Map.prototype);
  if (value instanceof Set) return collectionItems(value, Set.prototype);
  const source = value as Readonly<Record<string, unknown>>;
  if (value instanceof Error) return { source, keys: ["name", "message", "cause"] };
  if (BOXED.has(Object.prototype.toString.call(value))) return { plain: value.valueOf() };

  const toJson = mayHaveJson ? source["toJSON"] : undefined;
  if (typeof toJson !== "function") return { source, keys: Object.keys(value) };
  const json: unknown = toJson.call(value);
  return typeof json === "object" && json !== null ? contentForm(json, false) : { plain: json };
}

const BOXED: ReadonlySet<string> = new Set([
  "[object String]",
  "[object Number]",
  "[object Boolean]",
]);

function arrayItems(values: readonly unknown[]): Items {
  const size = Math.min(Math.trunc(values.length) || 0, Number.MAX_SAFE_INTEGER);
  let index = -1;
  return {
    size,
    next() {
      index += 1;
      return values[index];
    },
  };
}

/** Reads a collection by its prototype's own members: a subclass may have others. */
function collectionItems(
  value: object,
  prototype: ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>,
): Items {
  const items: Iterator<unknown> = prototype[Symbol.iterator].call(value as never);
  return {
    size: Reflect.get(prototype, "size", value),
    next: () => items.next().value,
  };
}
