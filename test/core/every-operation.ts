import {
  traceAgentRun,
  traceDecision,
  traceEmbeddings,
  traceIteration,
  traceLlmCall,
  traceMemoryOperation,
  tracePlan,
  traceRetrieval,
  traceToolCall,
  traceWorkflow,
} from "@waybill/core";
import type { OperationOptions, SpanHandle } from "@waybill/core";

/** One of core's operations, around any code. */
export type Operation = <T>(options: OperationOptions, fn: (span: SpanHandle) => T) => T;

/** Every operation of core, by the name of its span. */
export const EVERY_OPERATION: readonly (readonly [name: string, operation: Operation])[] = [
  [
    "invoke_agent planner",
    (options, fn) => traceAgentRun({ ...options, agent: { name: "planner" } }, fn),
  ],
  [
    "invoke_workflow refunds",
    (options, fn) => traceWorkflow({ ...options, workflow: "refunds" }, fn),
  ],
  ["plan planner", (options, fn) => tracePlan({ ...options, agent: "planner" }, fn)],
  [
    "chat gpt-5",
    (options, fn) => traceLlmCall({ ...options, provider: "openai", model: "gpt-5" }, fn),
  ],
  [
    "embeddings ada",
    (options, fn) => traceEmbeddings({ ...options, provider: "openai", model: "ada" }, fn),
  ],
  [
    "retrieval handbook",
    (options, fn) => traceRetrieval({ ...options, dataSource: "handbook" }, fn),
  ],
  ["execute_tool look_up", (options, fn) => traceToolCall({ ...options, tool: "look_up" }, fn)],
  [
    "search_memory",
    (options, fn) => traceMemoryOperation({ ...options, operation: "search_memory" }, fn),
  ],
  ["decision route", (options, fn) => traceDecision({ ...options, type: "route" }, fn)],
  ["iteration", (options, fn) => traceIteration({ ...options, iteration: 1 }, fn)],
];
