import { createContextKey } from "@opentelemetry/api";
import type { Baggage, Context } from "@opentelemetry/api";

/** A request whose headers a propagator is asked for, by a sender that knows where it goes. */
export interface OutgoingRequest {
  /** Nothing if the sender cannot tell. */
  readonly host: string | undefined;

  /** Whether the sender itself allows this host to have the baggage. */
  readonly isAllowed: boolean;

  /** The baggage for a host that is allowed to have it. A host that the sender does not allow finds none in the context. */
  readonly baggage: Baggage | undefined;
}

const OUTGOING_REQUEST = createContextKey("waybill outgoing request");
const HEADERS_WRITTEN = "its headers are written";

export function contextWithOutgoingRequest(context: Context, request: OutgoingRequest): Context {
  return context.setValue(OUTGOING_REQUEST, request);
}

/** The request that a propagator is asked for the headers of, if its sender knows where it goes. */
export function outgoingRequest(context: Context): OutgoingRequest | undefined {
  const request = context.getValue(OUTGOING_REQUEST);
  return request === HEADERS_WRITTEN ? undefined : (request as OutgoingRequest | undefined);
}

/** A context for sending a request that has its trace headers: an instrumentation that asks for some gets none. */
export function contextWithHeadersWritten(context: Context): Context {
  return context.setValue(OUTGOING_REQUEST, HEADERS_WRITTEN);
}

/** Whether the request that is sent in this context has its trace headers already. */
export function areHeadersWritten(context: Context): boolean {
  return context.getValue(OUTGOING_REQUEST) === HEADERS_WRITTEN;
}
