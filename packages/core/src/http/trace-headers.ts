import type { TextMapGetter } from "@opentelemetry/api";

import { listMembers } from "../otel/header-list.ts";
import { reportFailure } from "../report-failure.ts";
import type { HttpRequest } from "./http-request.ts";

const MAX_TRACEPARENT_LENGTH = 512;

/** What a `baggage` header must be able to hold. */
const MAX_BAGGAGE_LENGTH = 8192;

/** From here on a header is not even looked at. */
const MAX_HEADER_LENGTH = 65_536;

/**
 * Reads trace headers of a request for a propagator, within bounds, so that none is dear to parse: a traceparent of more
 * than 512 characters, and any header of more than 64 KiB, counts as absent; of longer baggage than 8192 characters, the
 * members are left out that do not fit.
 */
export const traceHeaders: TextMapGetter<HttpRequest> = {
  keys: () => ["traceparent", "tracestate", "baggage"],
  get(request, name) {
    const value = request.header(name);
    if (value === undefined) return undefined;
    const limit = name === "traceparent" ? MAX_TRACEPARENT_LENGTH : MAX_HEADER_LENGTH;
    if (value.length > limit) {
      reportFailure(`a \`${name}\` header of more than ${limit} characters was ignored`);
      return undefined;
    }
    return name === "baggage" ? withinLimit(value) : value;
  },
};

function withinLimit(baggage: string): string {
  if (baggage.length <= MAX_BAGGAGE_LENGTH) return baggage;
  reportFailure(`baggage of a request was cut to ${MAX_BAGGAGE_LENGTH} characters`);
  const members: string[] = [];
  let left = MAX_BAGGAGE_LENGTH + ",".length;
  for (const member of listMembers(baggage)) {
    const size = member.length + ",".length;
    if (size > left) continue;
    left -= size;
    members.push(member);
  }
  return members.join(",");
}
