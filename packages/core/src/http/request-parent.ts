import { propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { Context, Link } from "@opentelemetry/api";

import { contextWithoutIdentity } from "../identity-context.ts";
import { attempt, reportFailure } from "../report-failure.ts";
import { contextWithoutRequestScope } from "../request-scope.ts";
import type { AdoptableSpan } from "./adopted-span.ts";
import type { HttpRequest } from "./http-request.ts";
import type { BaggageOptions, Trust } from "./middleware-options.ts";
import { contextWithAcceptedBaggage } from "./request-baggage.ts";
import { traceHeaders } from "./trace-headers.ts";

/** What a request's span starts with. */
export interface RequestParent {
  /** Its parent, and the baggage that is let in. */
  readonly context: Context;
  readonly links: readonly Link[];
}

/**
 * What a request's span starts with, by what its headers are worth.
 *
 * @param caller The context that the request comes from, if it comes from within the process.
 */
export function requestParent(
  request: HttpRequest,
  caller: Context,
  trust: Trust,
  baggage: BaggageOptions,
): RequestParent {
  const base = outsideRequests(caller);
  if (trust === "ignore") return { context: base, links: [] };
  if (trust === "link") {
    const stated = trace.getSpanContext(extract(ROOT_CONTEXT, request));
    if (stated === undefined) return { context: base, links: [] };
    const { traceId, spanId, traceFlags } = stated;
    const context = { traceId, spanId, traceFlags, isRemote: true };
    return { context: base, links: [{ context }] };
  }
  return { context: contextWithAcceptedBaggage(extract(base, request), baggage), links: [] };
}

/** The context that the application runs in if the request's span is another instrumentation's. */
export function contextOfAdopted(
  { span }: AdoptableSpan,
  active: Context,
  trust: Trust,
  baggage: BaggageOptions,
): Context {
  const context = trace.setSpan(contextWithoutIdentity(active), span);
  if (trust === "continue") return contextWithAcceptedBaggage(context, baggage);
  reportFailure(
    `\`trust\` is ${JSON.stringify(trust)}, but another instrumentation has begun the trace of a request already: ` +
      "`trust` governs its baggage and identity only",
  );
  return propagation.deleteBaggage(context);
}

/** A caller's request is not this one, and its baggage not what this one was sent. */
function outsideRequests(context: Context): Context {
  return propagation.deleteBaggage(contextWithoutRequestScope(contextWithoutIdentity(context)));
}

function extract(base: Context, request: HttpRequest): Context {
  return (
    attempt("the trace headers of a request could not be read", () =>
      propagation.extract(base, request, traceHeaders),
    ) ?? base
  );
}
