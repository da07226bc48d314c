import { baggageEntryMetadataFromString, propagation } from "@opentelemetry/api";
import type { Baggage, BaggageEntry } from "@opentelemetry/api";

import { reportFailure } from "../report-failure.ts";
import { listMembers, trimBlanks } from "./header-list.ts";
import { percentDecode, percentEncode } from "./percent-encoding.ts";
import { isToken } from "./token.ts";

const MAX_MEMBERS = 64;
const MAX_BYTES = 8192;
const BAGGAGE_OCTETS = /^[!#-+\--:<-[\]-~]*$/;

/**
 * The baggage that a `baggage` header states (several lines of it joined by commas); `undefined` if it states none.
 *
 * Values are percent-decoded, keys never; malformed members are left out; of two members with one key the last counts.
 * At most 64 members and 8192 bytes are read: what does not fit is left out by whole members and told to `diag`.
 *
 * An entry's metadata is its properties (`k`, `k=v`) as the header has them, percent-encoded: a decoded semicolon could
 * not be told from one that separates.
 *
 * @see https://www.w3.org/TR/baggage/#header-content
 */
export function parseBaggage(header: string): Baggage | undefined {
  const entries = new Map<string, BaggageEntry>();
  let bytesLeft = MAX_BYTES + ",".length;
  let isCut = false;
  for (const text of listMembers(header)) {
    const size = text.length + ",".length;
    if (entries.size === MAX_MEMBERS || size > bytesLeft) {
      isCut = true;
      continue;
    }
    bytesLeft -= size;
    const [key, entry] = parseMember(text) ?? [];
    if (key !== undefined && entry !== undefined) entries.set(key, entry);
  }
  if (isCut) reportFailure("baggage of a request was cut to 64 members and 8192 bytes");
  return entries.size === 0 ? undefined : propagation.createBaggage(Object.fromEntries(entries));
}

/**
 * The `baggage` header for some baggage; empty if there is nothing to send.
 *
 * It has at most 64 members and 8192 bytes, and nothing in it that may not stand in a header: entries that do not fit,
 * or whose key is no token, are left out and told to `diag`; properties without a token for their key are left out.
 */
export function formatBaggage(baggage: Baggage): string {
  const members: string[] = [];
  let bytesLeft = MAX_BYTES + ",".length;
  let isCut = false;
  for (const [key, entry] of baggage.getAllEntries()) {
    const member = formatMember(key, entry);
    const size = (member?.length ?? Infinity) + ",".length;
    if (member === undefined || members.length === MAX_MEMBERS || size > bytesLeft) {
      isCut = true;
      continue;
    }
    bytesLeft -= size;
    members.push(member);
  }
  if (isCut) {
    reportFailure(
      "baggage was not sent in full: its keys must be tokens, 64 of them, in 8192 bytes",
    );
  }
  return members.join(",");
}

function parseMember(text: string): readonly [key: string, entry: BaggageEntry] | undefined {
  const [pair = "", ...properties] = text.split(";");
  const equals = pair.indexOf("=");
  if (equals === -1) return undefined;

  const key = trimBlanks(pair.slice(0, equals));
  const encoded = trimBlanks(pair.slice(equals + 1));
  if (!isToken(key) || !BAGGAGE_OCTETS.test(encoded)) return undefined;

  const value = percentDecode(encoded);
  const metadata = properties.flatMap(wellFormedProperty).join(";");
  return [
    key,
    metadata === "" ? { value } : { value, metadata: baggageEntryMetadataFromString(metadata) },
  ];
}

function formatMember(key: string, { value, metadata }: BaggageEntry): string | undefined {
  const properties = metadata?.toString() ?? "";
  // Encoding makes nothing shorter, and what is too long need not be encoded to be left out.
  if (!isToken(key) || key.length + value.length + properties.length > MAX_BYTES) return undefined;
  return [
    `${key}=${percentEncode(value)}`,
    ...properties.split(";").flatMap(wellFormedProperty),
  ].join(";");
}

function wellFormedProperty(text: string): readonly string[] {
  const equals = text.indexOf("=");
  const key = trimBlanks(equals === -1 ? text : text.slice(0, equals));
  if (!isToken(key)) return [];
  if (equals === -1) return [key];

  const value = trimBlanks(text.slice(equals + 1));
  return [`${key}=${BAGGAGE_OCTETS.test(value) ? value : percentEncode(value)}`];
}
