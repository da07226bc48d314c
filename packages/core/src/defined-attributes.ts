import type { Attributes } from "@opentelemetry/api";

import { definedMembers } from "./defined-members.ts";

/** The attributes that have a value: OpenTelemetry reports the others as invalid. */
export function definedAttributes(attributes: {
  readonly [name: string]: string | number | boolean | readonly string[] | null | undefined;
}): Attributes {
  return definedMembers(attributes);
}
