export { createAgentExecutor } from "./agent-executor.ts";
export type {
  AgentExecutor,
  AgentExecutorOptions,
  AgentRunControl,
  AgentRunReport,
  StopReason,
} from "./agent-executor.ts";
export type {
  Action,
  AgentSteps,
  Decision,
  Iteration,
  ModelChoice,
  Response,
  Turn,
} from "./agent-steps.ts";
export type { BudgetOptions } from "./budget.ts";
