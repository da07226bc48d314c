import type { Attributes } from "@opentelemetry/api";

import { recordableText } from "../content-policy.ts";

/** A header's value by its lowercase name: one text with its lines joined by commas, or a text a line. */
export type HeaderReader = (name: string) => string | readonly string[] | undefined;

/**
 * The attributes that record some headers.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
 */
export function headerAttributes(
  prefix: "http.request.header" | "http.response.header",
  names: readonly string[],
  header: HeaderReader,
): Attributes {
  const attributes: Attributes = {};
  for (const listed of names) {
    const name = listed.toLowerCase();
    const value = header(name);
    if (value !== undefined) attributes[`${prefix}.${name}`] = [value].flat().map(recordableText);
  }
  return attributes;
}
