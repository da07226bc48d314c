export { startTracing } from "./start-tracing.ts";
export type { Tracing } from "./start-tracing.ts";
export type { StartTracingOptions, TimelineOptions } from "./start-tracing-options.ts";
export { TraceRecorder } from "./trace-recorder.ts";
export type { TraceListener, TraceRecorderOptions } from "./trace-recorder.ts";
