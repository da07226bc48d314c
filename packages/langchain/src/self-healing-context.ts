import type { Context } from "@opentelemetry/api";

import type { RunRecord } from "./run-record.ts";

/**
 * A run's context as it is attached: it is the run's own while the run is at work, and before and after that the context
 * that was active at the attach.
 *
 * An attached context has no scope, and may stay active in the frame of the run's caller. There it heals by itself: in
 * the tick of the attach the caller still sees its own context (a run's code starts one microtask later at the
 * earliest), and it sees it again once the run has ended.
 */
export class SelfHealingContext implements Context {
  /** The brand by which also another copy of this package knows it. */
  readonly waybillSelfHealing = true;

  readonly #run: RunRecord;
  #outer: Context;
  #tickIsOver = false;

  constructor(run: RunRecord, active: Context) {
    this.#run = run;
    this.#outer = active;
    this.skipHealed();
    queueMicrotask(() => {
      this.#tickIsOver = true;
    });
  }

  getValue(key: symbol): unknown {
    return this.#current.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#current.setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#current.deleteValue(key);
  }

  /** Whether the run is at work, so that its context is in force. */
  get live(): boolean {
    return this.#tickIsOver && !this.#run.ended;
  }

  /** The context in force where the run's is not. */
  get outer(): Context {
    return this.#outer;
  }

  /** Lets go of outer contexts that are no longer in force, so that no chain of them grows in a caller's loop. */
  skipHealed(): void {
    let outer = this.#outer;
    while (isSelfHealing(outer) && !outer.live) outer = outer.outer;
    if (isSelfHealing(outer)) outer.skipHealed();
    this.#outer = outer;
  }

  get #current(): Context {
    return this.live ? this.#run.context : this.#outer;
  }
}

function isSelfHealing(context: Context): context is SelfHealingContext {
  return "waybillSelfHealing" in context;
}
