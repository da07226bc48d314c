export { AgentRunSpan, traceAgentRun } from "./agent-run.ts";
export type { AgentRunOptions, AgentRunResult } from "./agent-run.ts";
export { withBaggage } from "./baggage.ts";
export { checkOptions } from "./check-options.ts";
export type { OptionType } from "./check-options.ts";
export type { CaptureContent, ContentKind, Redactor } from "./content-policy.ts";
export {
  contextWithIdentity,
  currentIdentity,
  detach,
  setIdentity,
  withIdentity,
} from "./identity-context.ts";
export type { AgentIdentity, Identity } from "./identity.ts";
export { currentTraceIds } from "./current-trace-ids.ts";
export type { TraceIds } from "./current-trace-ids.ts";
export { DecisionSpan, traceDecision } from "./decision.ts";
export type { DecisionOptions, DecisionResult } from "./decision.ts";
export { doctor } from "./doctor.ts";
export type { Finding } from "./doctor.ts";
export { EmbeddingsSpan, traceEmbeddings } from "./embeddings.ts";
export type { EmbeddingsOptions, EmbeddingsResponse } from "./embeddings.ts";
export { IterationSpan, traceIteration } from "./iteration.ts";
export type { IterationOptions } from "./iteration.ts";
export { LlmCallSpan, traceLlmCall } from "./llm-call.ts";
export type { LlmCallOptions, LlmRequest, LlmResponse, ToolDefinition } from "./llm-call.ts";
export { mediaPart } from "./media.ts";
export type { MediaPart, MediaSource } from "./media.ts";
export { MemoryOperationSpan, traceMemoryOperation } from "./memory-operation.ts";
export type { MemoryOperationName, MemoryOperationOptions } from "./memory-operation.ts";
export type { HistoryMode, LlmInput } from "./message-history.ts";
export { ModelCallSpan } from "./model-call-span.ts";
export type { ModelCallOptions, ModelCallResponse } from "./model-call-span.ts";
export type { OperationOptions } from "./operation-options.ts";
export { PlanSpan, tracePlan } from "./plan.ts";
export type { PlanOptions } from "./plan.ts";
export type { RedactorSettings } from "./redactors.ts";
export { attempt, reportFailure } from "./report-failure.ts";
export { RetrievalSpan, traceRetrieval } from "./retrieval.ts";
export type { RetrievalOptions } from "./retrieval.ts";
export { checkSettings, configureWaybill } from "./settings.ts";
export type { WaybillSettings } from "./settings.ts";
export { openSpan, SpanHandle } from "./span-handle.ts";
export { runAndEnd } from "./end-when-over.ts";
export type { CallIdentity, SpanHandleOptions } from "./span-handle.ts";
export { flushOpen } from "./open-operation.ts";
export type { OperationEnd, Outcome } from "./open-operation.ts";
export { StreamLifetime } from "./stream-lifetime.ts";
export type { StreamBranch, StreamedOperation, StreamLifetimeOptions } from "./stream-lifetime.ts";
export { tapStream } from "./tap-stream.ts";
export type { StreamTap } from "./tap-stream.ts";
export type { TokenUsage } from "./token-usage.ts";
export { ToolCallSpan, traceToolCall } from "./tool-call.ts";
export type { ToolCallOptions } from "./tool-call.ts";
export { traced } from "./traced.ts";
export type { AnyFunction, TracedDecorator, TracedOptions } from "./traced.ts";
export { startSpan, withSpan } from "./with-span.ts";
export type { SpanOptions } from "./with-span.ts";
export { traceWorkflow, WorkflowSpan } from "./workflow.ts";
export type { WorkflowOptions } from "./workflow.ts";
