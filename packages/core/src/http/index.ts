export type { HttpRequest } from "./http-request.ts";
export { checkMiddlewareOptions } from "./middleware-options.ts";
export type { TraceMiddlewareOptions } from "./middleware-options.ts";
export { claimRequest, isOver, nodeResponseEnd } from "./node-exchange.ts";
export type { NodeExchange, NodeRequest, NodeResponse } from "./node-exchange.ts";
export { startRequestSpan } from "./request-span.ts";
export type { RequestSpan, RequestSpanOptions, ResponseEnd } from "./request-span.ts";
export { parseTarget } from "./request-target.ts";
export type { RequestTarget } from "./request-target.ts";
