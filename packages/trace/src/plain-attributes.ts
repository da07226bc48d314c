import type { Attributes, AttributeValue } from "./span.ts";

const MAX_DEPTH = 32;

/**
 * Attributes as plain data of our own: a deep copy that does not change when the original does. Undefined members are
 * left out. What is no attribute value (functions, dates, circles, objects deeper than 32) becomes `null`.
 */
export function plainAttributes(attributes: object): Attributes {
  return plainObject(attributes, []);
}

function plainObject(object: object, path: readonly object[]): Attributes {
  const inside = [...path, object];
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, plainValue(value, inside)]),
  );
}

function plainValue(value: unknown, path: readonly object[]): AttributeValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
    case "boolean":
      return value;
    case "object":
      break;
    default:
      return null;
  }
  if (value === null || path.length > MAX_DEPTH || path.includes(value)) return null;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return Array.from(value, (item) => plainValue(item, [...path, value]));
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? plainObject(value, path) : null;
}
