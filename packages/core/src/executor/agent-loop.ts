import { traceDecision } from "../decision.ts";
import { runAndEnd } from "../end-when-over.ts";
import { traceIteration } from "../iteration.ts";
import { LlmCallSpan } from "../llm-call.ts";
import { traceMemoryOperation } from "../memory-operation.ts";
import { attempt } from "../report-failure.ts";
import { traceToolCall } from "../tool-call.ts";
import type { AgentExecutorOptions, StopReason } from "./agent-executor.ts";
import type { Action, Decision, Iteration, Turn } from "./agent-steps.ts";
import type { Budget } from "./budget.ts";

/** What one run works on. */
export interface LoopTask<Task, Config> {
  readonly task: Task;
  readonly config: Config;
  readonly signal: AbortSignal;
  readonly budget: Budget;
}

/** One run of an agent: its iterations so far, and the loop that makes them. */
export class AgentLoop<Task, Config, Thought, Arguments, Observation, Output> {
  readonly iterations: Iteration<Thought, Arguments, Observation, Output>[] = [];
  output: Output | undefined;
  readonly #options: AgentExecutorOptions<Task, Config, Thought, Arguments, Observation, Output>;
  readonly #task: LoopTask<Task, Config>;
  #memories: readonly unknown[] = [];

  constructor(
    options: AgentExecutorOptions<Task, Config, Thought, Arguments, Observation, Output>,
    task: LoopTask<Task, Config>,
  ) {
    this.#options = options;
    this.#task = task;
  }

  /** Iterates until there is a reason to stop. Rejects with what a step threw, and with the signal's reason. */
  async run(maxIterations: number): Promise<Exclude<StopReason, "aborted">> {
    const { signal, budget } = this.#task;
    signal.throwIfAborted();
    await this.#recall();
    for (let iteration = 1; iteration <= maxIterations; iteration += 1) {
      const { usedUp } = budget;
      if (usedUp !== undefined) return usedUp;
      signal.throwIfAborted();
      const decision = await traceIteration({ iteration, signal }, () => this.#iterate(iteration));
      if (decision.type === "respond") {
        this.output = decision.output;
        return "respond";
      }
    }
    return "max_iterations";
  }

  async #iterate(iteration: number): Promise<Decision<Arguments, Output>> {
    const { signal } = this.#task;
    const turn = this.#turn(iteration);
    const thought = await this.#think(turn);
    signal.throwIfAborted();
    const decision = await this.#decide(thought, turn);
    const decided = { iteration, thought, decision };
    if (decision.type === "respond") {
      this.iterations.push(decided);
      return decision;
    }
    signal.throwIfAborted();
    const done = { ...decided, ...(await this.#act(decision, turn)) };
    this.iterations.push(done);
    if ("error" in done) signal.throwIfAborted();
    await this.#remember(done, turn);
    return decision;
  }

  async #think(turn: Turn<Task, Config>): Promise<Thought> {
    const { model, captureContent } = this.#options;
    const { signal, budget } = this.#task;
    const choice = typeof model === "function" ? model(turn) : model;
    const span = new ThoughtSpan({ ...choice, signal, captureContent });
    const count = (): void => {
      if (span.usage !== undefined) budget.use(span.usage, choice.model);
    };
    let thought: Thought;
    try {
      thought = await runAndEnd(span, async () => this.#options.think(turn, span));
    } catch (error) {
      attempt("what a failed thought has used could not be counted", count);
      throw error;
    }
    count();
    return thought;
  }

  async #decide(thought: Thought, turn: Turn<Task, Config>): Promise<Decision<Arguments, Output>> {
    const { tools, captureContent } = this.#options;
    const choices = tools && { options: [...tools, "respond"] };
    return traceDecision(
      { type: "next_step", ...choices, signal: turn.signal, captureContent },
      async (span) => {
        const decision = await this.#options.decide(thought, turn, span);
        const chosen = decision.type === "respond" ? "respond" : decision.tool;
        span.recordDecision({ chosen, reason: decision.reason });
        return decision;
      },
    );
  }

  /** Whatever the tool throws is what the iteration gave: the model shall hear of it, and the caller in the report. */
  async #act(
    action: Action<Arguments>,
    turn: Turn<Task, Config>,
  ): Promise<{ readonly observation: Observation } | { readonly error: unknown }> {
    const { captureContent } = this.#options;
    const { tool, callId, arguments: given } = action;
    try {
      const observation = await traceToolCall(
        { tool, callId, arguments: given, signal: turn.signal, captureContent },
        async (span) => this.#options.act(action, turn, span),
      );
      return { observation };
    } catch (error) {
      return { error };
    }
  }

  async #recall(): Promise<void> {
    const { captureContent } = this.#options;
    if (this.#options.recall === undefined) return;
    const turn = this.#turn(1);
    this.#memories = await traceMemoryOperation(
      { operation: "search_memory", signal: turn.signal, captureContent },
      async (span) => {
        const memories = (await this.#options.recall?.(turn, span)) ?? [];
        span.recordRecords(memories);
        return memories;
      },
    );
  }

  async #remember(
    iteration: Iteration<Thought, Arguments, Observation, Output>,
    turn: Turn<Task, Config>,
  ): Promise<void> {
    const { captureContent } = this.#options;
    if (this.#options.remember === undefined) return;
    await traceMemoryOperation(
      { operation: "create_memory", signal: turn.signal, captureContent },
      async (span) => this.#options.remember?.(iteration, turn, span),
    );
  }

  #turn(iteration: number): Turn<Task, Config> {
    const { task, config, signal } = this.#task;
    const memories = this.#memories;
    return { task, config, iteration, iterations: [...this.iterations], memories, signal };
  }
}

/** The span of a thought. It lasts as long as the thought even if it is not recorded: budgets count what it is told. */
class ThoughtSpan extends LlmCallSpan {
  override get watched(): boolean {
    return true;
  }
}
