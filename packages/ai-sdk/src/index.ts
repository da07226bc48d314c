export type { AiFunction, AiModule } from "./ai-module.ts";
export { traceAI } from "./trace-ai.ts";
export type { TraceAIOptions } from "./trace-ai.ts";
