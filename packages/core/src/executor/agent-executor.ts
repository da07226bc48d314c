import { traceAgentRun } from "../agent-run.ts";
import { checkOptions } from "../check-options.ts";
import type { CaptureContent } from "../content-policy.ts";
import { isAbort } from "../operation-error.ts";
import { AgentLoop } from "./agent-loop.ts";
import type { AgentSteps, Iteration, ModelChoice } from "./agent-steps.ts";
import { Budget } from "./budget.ts";
import type { BudgetOptions } from "./budget.ts";

/** An agent: what it is called, its steps, and when it stops. */
export interface AgentExecutorOptions<
  Task,
  Config,
  Thought,
  Arguments,
  Observation,
  Output,
> extends AgentSteps<Task, Config, Thought, Arguments, Observation, Output> {
  /** The agent's name, in its span's name and as `gen_ai.agent.name` below it. */
  readonly name: string;

  /**
   * The kind of agent, as `waybill.agent.type`.
   *
   * @default "react"
   */
  readonly type?: string;

  /**
   * How many iterations a run may have.
   *
   * @default 10
   */
  readonly maxIterations?: number;

  /**
   * What a run may use up. It stops before the first iteration that would begin beyond it.
   *
   * @default no limits
   */
  readonly budget?: BudgetOptions;

  /**
   * Which content is recorded on this agent's spans.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent;

  /**
   * The time in milliseconds, of a clock that never goes back: for the time budget.
   *
   * @default performance.now
   */
  readonly nowMs?: () => number;
}

/**
 * Why a run stopped: it responded, it had all its iterations, its signal aborted it, or a budget was used up.
 */
export type StopReason =
  | "respond"
  | "max_iterations"
  | "aborted"
  | "token_budget"
  | "time_budget"
  | "cost_budget";

/** What a run gave. */
export interface AgentRunReport<Thought, Arguments, Observation, Output> {
  readonly stopReason: StopReason;

  /** What the agent responded with; there only if `stopReason` is `respond`. */
  readonly output: Output | undefined;

  /** The iterations that came to a decision, in order. An abort may have kept the last one from its observation. */
  readonly iterations: readonly Iteration<Thought, Arguments, Observation, Output>[];

  /** The tokens of all thoughts that told of theirs. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };

  /** What they cost, by the budget's `costOf`; 0 without one. */
  readonly cost: number;
}

/** An agent that can be run, any number of times and at the same time. */
export interface AgentExecutor<Task, Config, Thought, Arguments, Observation, Output> {
  /**
   * Works on a task until it has a response or has to stop.
   *
   * An abort is no error: the run resolves with what was done until then. Rejects with the very error that a step other
   * than `act` threw; what `act` throws becomes the iteration's `error`, which the next thought sees.
   *
   * With `captureContent`, the task and the output are recorded as messages.
   */
  readonly run: (
    task: Task,
    ...rest: undefined extends Config
      ? [config?: Config, options?: AgentRunControl]
      : [config: Config, options?: AgentRunControl]
  ) => Promise<AgentRunReport<Thought, Arguments, Observation, Output>>;
}

/** How a run is controlled. */
export interface AgentRunControl {
  /**
   * Stops the run when it aborts; a timeout (`AbortSignal.timeout`) counts as a failure of the run's span.
   *
   * @default nothing does
   */
  readonly signal?: AbortSignal | undefined;
}

const OWNER = "createAgentExecutor";
const DEFAULT_MAX_ITERATIONS = 10;

/**
 * Makes an agent of its steps: recall, then think, decide and act in turns until it responds. Each run is an
 * `invoke_agent` span; each turn an `iteration` below it, with the model call, the decision, the tool call and the memory
 * operations of that turn.
 *
 * @throws TypeError naming the option, if one is missing, unknown or wrong.
 * @example
 * ```ts
 * import { createAgentExecutor, type Turn } from "@waybill/core/executor";
 *
 * const agent = createAgentExecutor({
 *   name: "adder",
 *   model: { provider: "local", model: "rules" },
 *   think: ({ task, iterations }: Turn<readonly number[]>) => ({ left: task.slice(iterations.length) }),
 *   decide: ({ left: [value] }) =>
 *     value === undefined
 *       ? { type: "respond", output: "done" }
 *       : { type: "act", tool: "add", arguments: { value } },
 *   act: async ({ arguments: { value } }) => value,
 * });
 * const run = await agent.run([1, 2]);
 * console.log(run.stopReason, run.output, run.iterations.length);
 * ```
 */
export function createAgentExecutor<Task, Config, Thought, Arguments, Observation, Output>(
  options: AgentExecutorOptions<Task, Config, Thought, Arguments, Observation, Output>,
): AgentExecutor<Task, Config, Thought, Arguments, Observation, Output> {
  checkExecutorOptions(options);
  const { name, type = "react", maxIterations = DEFAULT_MAX_ITERATIONS } = options;
  const { budget: budgetOptions = {}, captureContent, nowMs = () => performance.now() } = options;

  return {
    run(task, ...rest) {
      const [config, { signal = new AbortController().signal } = {}] = rest as unknown as [
        Config,
        AgentRunControl?,
      ];
      const taskLength = typeof task === "string" ? { taskLength: task.length } : {};
      return traceAgentRun(
        { agent: { name }, type, ...taskLength, signal, captureContent },
        async (span) => {
          span.recordInput(() => [{ role: "user", parts: [messagePart(task)] }]);
          const budget = new Budget(budgetOptions, nowMs);
          const loop = new AgentLoop(options, { task, config, signal, budget });
          const { iterations } = loop;
          const ended = (stopReason: StopReason | "error"): void => {
            const usage = budget.isUsed ? { usage: budget.usage } : {};
            span.recordResult({ iterations: iterations.length, stopReason, ...usage });
          };

          let stopReason: StopReason;
          try {
            stopReason = await loop.run(maxIterations);
          } catch (error) {
            if (!isOwnAbort(error, signal)) {
              ended("error");
              throw error;
            }
            stopReason = "aborted";
          }
          ended(stopReason);
          const { output } = loop;
          if (stopReason === "respond") {
            const parts = [messagePart(output)];
            span.recordOutput(() => [{ role: "assistant", parts, finish_reason: "stop" }]);
          }
          if (stopReason === "aborted") span.fail(signal.reason);
          return { stopReason, output, iterations, usage: budget.usage, cost: budget.cost };
        },
      );
    },
  };
}

/** An abort by the run's own signal is a reason to stop, not an error. */
function isOwnAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || isAbort(error, signal));
}

/** A value as a part of a message in the GenAI message schema. */
function messagePart(value: unknown): object {
  return typeof value === "string"
    ? { type: "text", content: value }
    : { type: "data", data: value };
}

function checkExecutorOptions(options: object): void {
  checkOptions(OWNER, options, {
    name: "string",
    type: "string",
    model: ["object", "function"],
    think: "function",
    decide: "function",
    act: "function",
    recall: "function",
    remember: "function",
    tools: "array of strings",
    maxIterations: "non-negative integer",
    budget: "object",
    captureContent: ["boolean", "object"],
    nowMs: "function",
  });
  for (const name of ["name", "model", "think", "decide", "act"]) {
    if ((options as Record<string, unknown>)[name] === undefined) {
      throw new TypeError(`${OWNER}: option \`${name}\` is required`);
    }
  }
  const {
    model,
    maxIterations,
    budget = {},
  } = options as {
    readonly model: Partial<ModelChoice>;
    readonly maxIterations?: number;
    readonly budget?: BudgetOptions;
  };
  if (typeof model === "object" && typeof model.provider !== "string") {
    throw new TypeError(`${OWNER} \`model\`: option \`provider\` is required`);
  }
  if (maxIterations === 0) {
    throw new TypeError(`${OWNER}: option \`maxIterations\` must be at least 1, got 0`);
  }
  checkOptions(`${OWNER} \`budget\``, budget, {
    tokens: "non-negative integer",
    timeMs: "non-negative integer",
    cost: "non-negative number",
    costOf: "function",
  });
  if (budget.cost !== undefined && budget.costOf === undefined) {
    throw new TypeError(`${OWNER} \`budget\`: option \`cost\` needs \`costOf\``);
  }
}
