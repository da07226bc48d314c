export type { HttpRequest } from "./http-request.ts";
export { checkMiddlewareOptions } from "./middleware-options.ts";
export type { TraceMiddlewareOptions } from "./middleware-options.ts";
export { startRequestSpan } from "./request-span.ts";
export type { RequestSpan, RequestSpanOptions, ResponseEnd } from "./request-span.ts";
