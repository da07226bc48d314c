import type { DecisionSpan } from "../decision.ts";
import type { LlmCallOptions, LlmCallSpan } from "../llm-call.ts";
import type { MemoryOperationSpan } from "../memory-operation.ts";
import type { ToolCallSpan } from "../tool-call.ts";

/**
 * What an agent consists of: what it does in each step. Each step gets the span that it runs in, and its errors pass
 * through.
 *
 * All types follow from the steps. Only what the agent works on has to be said, where `think` takes its turn:
 * `Turn<string>`, `Turn<string, Config>`.
 */
export interface AgentSteps<Task, Config, Thought, Arguments, Observation, Output> {
  /**
   * The model that `think` calls, for the span of that call; a function, if it differs from turn to turn. Write that below
   * `think`, whose turn it is given, or its turn has no type.
   */
  readonly model: ModelChoice | ((turn: Turn<Task, Config>) => ModelChoice);

  /**
   * Asks the model what to do, in one call of it. Tell `span.recordResponse` of the usage, or call a client that is traced
   * itself: the two become one span.
   */
  think(turn: Turn<Task, Config>, span: LlmCallSpan): Thought | PromiseLike<Thought>;

  /** Makes a decision of a thought: to call a tool, or to respond, which ends the run. */
  decide(
    thought: Thought,
    turn: Turn<Task, Config>,
    span: DecisionSpan,
  ): Decision<Arguments, Output> | PromiseLike<Decision<Arguments, Output>>;

  /** Calls the tool that was decided on. What it throws is the iteration's `error`, and the loop goes on. */
  act(
    action: Action<Arguments>,
    turn: Turn<Task, Config>,
    span: ToolCallSpan,
  ): Observation | PromiseLike<Observation>;

  /**
   * Looks up what is remembered that concerns the task, once per run, inside a `search_memory` span.
   *
   * @default nothing is remembered
   */
  recall?(
    turn: Turn<Task, Config>,
    span: MemoryOperationSpan,
  ): readonly unknown[] | PromiseLike<readonly unknown[]>;

  /**
   * Keeps what an iteration with a tool call gave, inside a `create_memory` span.
   *
   * @default nothing is kept
   */
  remember?(
    iteration: Iteration<Thought, Arguments, Observation, Output>,
    turn: Turn<Task, Config>,
    span: MemoryOperationSpan,
  ): unknown;

  /**
   * The names of the tools that can be decided on, for the span of the decision.
   *
   * @default they are not told
   */
  readonly tools?: readonly string[];
}

/** Which model is called, and how. */
export type ModelChoice = Pick<
  LlmCallOptions,
  "provider" | "model" | "operation" | "request" | "server"
>;

/**
 * What the steps of an iteration are given.
 *
 * @typeParam Past The iterations, for steps that look at what is in them: `Iteration<Message, Arguments, Result>`. It is
 *   taken at its word.
 * @typeParam Memory What `recall` gives, taken at its word.
 */
export interface Turn<Task, Config = unknown, Past = Iteration, Memory = unknown> {
  readonly task: Task;
  readonly config: Config;

  /** Which iteration of its run this is, from 1 on. */
  readonly iteration: number;

  /** The iterations before this one. */
  readonly iterations: readonly Past[];

  /** What `recall` gave; empty without it. */
  readonly memories: readonly Memory[];

  /** Aborts when the run shall stop. Hand it on to whatever the step waits for: the run ends when the step does. */
  readonly signal: AbortSignal;
}

/** A tool call that was decided on. */
export interface Action<Arguments = unknown> {
  readonly type: "act";
  readonly tool: string;
  readonly arguments: Arguments;

  /** The id that the model gave to the call. */
  readonly callId?: string | undefined;

  /** Why. It is recorded as content only. */
  readonly reason?: string | undefined;
}

/** A response that was decided on. It ends the run. */
export interface Response<Output = unknown> {
  readonly type: "respond";
  readonly output: Output;

  /** Why. It is recorded as content only. */
  readonly reason?: string | undefined;
}

export type Decision<Arguments = unknown, Output = unknown> = Action<Arguments> | Response<Output>;

/** A turn of the loop that came to a decision: with an observation, or an error, if it was to call a tool. */
export interface Iteration<
  Thought = unknown,
  Arguments = unknown,
  Observation = unknown,
  Output = unknown,
> {
  readonly iteration: number;
  readonly thought: Thought;
  readonly decision: Decision<Arguments, Output>;

  /** What the tool gave. */
  readonly observation?: Observation;

  /** What the tool threw, also because of an abort. */
  readonly error?: unknown;
}
