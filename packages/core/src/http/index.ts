export type { HttpRequest } from "./http-request.ts";
export type {
  BaggageOptions,
  ClientAbort,
  ClientAbortStatus,
  RequestEnd,
  SpanNameInfo,
  TraceMiddlewareOptions,
  Trust,
} from "./middleware-options.ts";
export { claimRequest, isOver, nodeResponseEnd } from "./node-exchange.ts";
export type { NodeExchange, NodeRequest, NodeResponse } from "./node-exchange.ts";
export { nodeResponseHeader } from "./node-response-header.ts";
export { propagatingFetch, propagationHeaders } from "./propagate-to.ts";
export type { PropagationOptions } from "./propagate-to.ts";
export type { HeaderReader } from "./recorded-headers.ts";
export type { RequestSpan } from "./request-span.ts";
export { parseTarget } from "./request-target.ts";
export type { RequestTarget } from "./request-target.ts";
export { RequestTracer } from "./request-tracer.ts";
export type { ArrivedRequest } from "./request-tracer.ts";
export type { Answer, ResponseEnd } from "./response-end.ts";
export { setRoute } from "./set-route.ts";
