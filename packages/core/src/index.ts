export { AgentRunSpan, traceAgentRun } from "./agent-run.ts";
export type { AgentRunOptions, AgentRunResult } from "./agent-run.ts";
export { withBaggage } from "./baggage.ts";
export { checkOptions } from "./check-options.ts";
export type { OptionType } from "./check-options.ts";
export type { CaptureContent, ContentKind, Redactor } from "./content-policy.ts";
export {
  contextWithIdentity,
  currentIdentity,
  setIdentity,
  withIdentity,
} from "./identity-context.ts";
export type { AgentIdentity, Identity } from "./identity.ts";
export { LlmCallSpan, traceLlmCall } from "./llm-call.ts";
export type { LlmCallOptions, LlmInput, LlmRequest, LlmResponse } from "./llm-call.ts";
export { MemoryOperationSpan, traceMemoryOperation } from "./memory-operation.ts";
export type { MemoryOperationName, MemoryOperationOptions } from "./memory-operation.ts";
export type { OperationOptions } from "./operation-options.ts";
export { attempt, reportFailure } from "./report-failure.ts";
export { RetrievalSpan, traceRetrieval } from "./retrieval.ts";
export type { RetrievalOptions } from "./retrieval.ts";
export { configureWaybill } from "./settings.ts";
export type { WaybillSettings } from "./settings.ts";
export { openSpan, runAndEnd, SpanHandle } from "./span-handle.ts";
export type { Outcome, SpanHandleOptions } from "./span-handle.ts";
export { tapStream } from "./tap-stream.ts";
export type { StreamTap } from "./tap-stream.ts";
export type { TokenUsage } from "./token-usage.ts";
export { ToolCallSpan, traceToolCall } from "./tool-call.ts";
export type { ToolCallOptions } from "./tool-call.ts";
export { startSpan, traced, withSpan } from "./with-span.ts";
export type { SpanOptions, TracedOptions } from "./with-span.ts";
