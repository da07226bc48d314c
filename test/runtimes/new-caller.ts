/** The span that a test's requests come from. */
export const CALLER_SPAN_ID = "00f067aa0ba902b7";

/** A trace of its own for a request, and the headers that continue it. */
export function newCaller(): { traceId: string; headers: Record<string, string> } {
  const traceId = crypto.randomUUID().replaceAll("-", "");
  return { traceId, headers: { traceparent: `00-${traceId}-${CALLER_SPAN_ID}-01` } };
}
