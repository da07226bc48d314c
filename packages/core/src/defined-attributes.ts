import type { Attributes } from "@opentelemetry/api";

/** The attributes that have a value: OpenTelemetry reports `undefined` ones as invalid. */
export function definedAttributes(attributes: {
  readonly [name: string]: string | number | boolean | readonly string[] | undefined;
}): Attributes {
  const defined: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && !Number.isNaN(value)) defined[name] = value;
  }
  return defined;
}
