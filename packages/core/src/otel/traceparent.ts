import { INVALID_SPANID, INVALID_TRACEID, isSpanContextValid } from "@opentelemetry/api";
import type { SpanContext } from "@opentelemetry/api";

import { trimBlanks } from "./header-list.ts";

/** The caller made the trace id at random, by its own word. */
export const RANDOM_FLAG = 0x02;

const KNOWN_FLAGS = 0x01 | RANDOM_FLAG;
const VERSION_00_LENGTH = 55;
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/**
 * The caller's span that a `traceparent` header names, with the flags that are defined (sampled, random) and no other.
 *
 * Of a version above 00 what version 00 knows is read. Blanks around the header do not count. `undefined` for what the
 * specification calls invalid, and for several lines of the header, which a comma joins.
 *
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header
 */
export function parseTraceparent(header: string): SpanContext | undefined {
  const text = trimBlanks(header);
  const match = TRACEPARENT.exec(text);
  if (match === null || text.includes(",")) return undefined;

  const [, version = "", traceId = "", spanId = "", flags = ""] = match;
  if (version === "ff" || (version === "00" && text.length !== VERSION_00_LENGTH)) return undefined;
  if (traceId === INVALID_TRACEID || spanId === INVALID_SPANID) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & KNOWN_FLAGS, isRemote: true };
}

/**
 * The `traceparent` header, of version 00, that names a span as the caller. `undefined` if the span's ids are invalid.
 *
 * @param random Whether the trace id is known to be random though the span does not say so: SDKs forget that flag.
 */
export function formatTraceparent(span: SpanContext, random: boolean): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & KNOWN_FLAGS) | (random ? RANDOM_FLAG : 0);
  return `00-${span.traceId}-${span.spanId}-0${flags}`.toLowerCase();
}
