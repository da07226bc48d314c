import { knownUsage } from "../token-usage.ts";
import type { TokenUsage } from "../token-usage.ts";

/**
 * What a run may use up. It ends before the first iteration that would begin with nothing left.
 *
 * Tokens and money are what `think` tells its span. What a traced client inside it tells counts, too, sampled or not, if a
 * context manager is registered with OpenTelemetry, as every set-up of it does.
 */
export interface BudgetOptions {
  /** Input and output tokens together. */
  readonly tokens?: number;

  /** Wall time, in milliseconds. A step that is at work is not interrupted by it. */
  readonly timeMs?: number;

  /** Money, in the unit of `costOf`, which it needs. */
  readonly cost?: number;

  /** What the tokens of one model call cost. A run in which it gives no number rejects with a TypeError. */
  readonly costOf?: (usage: TokenUsage, model: string | undefined) => number;
}

/** What a run has used up, and whether that is all it may. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #inputTokens = 0;
  #outputTokens = 0;
  #cost = 0;
  #isUsed = false;

  constructor(options: BudgetOptions, nowMs: () => number) {
    this.#options = options;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  /** Whether any usage was told. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  get usage(): { readonly inputTokens: number; readonly outputTokens: number } {
    return { inputTokens: this.#inputTokens, outputTokens: this.#outputTokens };
  }

  get cost(): number {
    return this.#cost;
  }

  /** Counts a usage. What is no number in it counts nothing: with NaN in the sum, no limit would hold any more. */
  use(told: TokenUsage, model: string | undefined): void {
    const usage = knownUsage(told);
    this.#isUsed = true;
    this.#inputTokens += usage.inputTokens ?? 0;
    this.#outputTokens += usage.outputTokens ?? 0;
    const cost = this.#options.costOf?.(usage, model) ?? 0;
    // NaN, as from a price that is missing, would lift the limit for good.
    if (!Number.isFinite(cost)) {
      throw new TypeError(`createAgentExecutor: \`costOf\` must give a number, got ${cost}`);
    }
    this.#cost += cost;
  }

  /** Which part of the budget is used up, if any. */
  get usedUp(): "token_budget" | "time_budget" | "cost_budget" | undefined {
    const { tokens = Infinity, timeMs = Infinity, cost = Infinity } = this.#options;
    if (this.#inputTokens + this.#outputTokens >= tokens) return "token_budget";
    if (this.#cost >= cost) return "cost_budget";
    return this.#nowMs() - this.#startedMs >= timeMs ? "time_budget" : undefined;
  }
}
