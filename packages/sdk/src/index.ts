export { startTracing } from "./start-tracing.ts";
export type { StartTracingOptions, TimelineOptions, Tracing } from "./start-tracing.ts";
export { TraceRecorder } from "./trace-recorder.ts";
export type { TraceListener, TraceRecorderOptions } from "./trace-recorder.ts";
