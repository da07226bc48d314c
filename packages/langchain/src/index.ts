export type { TraceCallbackHandlerOptions } from "./handler-options.ts";
export { TraceCallbackHandler } from "./trace-callback-handler.ts";
