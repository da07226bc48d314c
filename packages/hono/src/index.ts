export { traceMiddleware } from "./trace-middleware.ts";
export type { TraceMiddlewareOptions } from "./trace-middleware.ts";
export { setRoute } from "@waybill/core/http";
