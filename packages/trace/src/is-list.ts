import type { AttributeValue } from "./span.ts";

/** Whether an attribute's value is a list. `Array.isArray` by itself does not know read-only lists. */
export function isList(value: object): value is readonly AttributeValue[] {
  return Array.isArray(value);
}
