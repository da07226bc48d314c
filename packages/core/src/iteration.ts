import { runAndEnd } from "./end-when-over.ts";
import type { OperationOptions } from "./operation-options.ts";
import { WAYBILL_ITERATION } from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** Which turn of an agent's loop this is. */
export interface IterationOptions extends OperationOptions {
  /** From 1 on, counted per run. */
  readonly iteration: number;
}

/** The span of one turn of an agent's loop. */
export class IterationSpan extends SpanHandle {
  constructor({ iteration, ...options }: IterationOptions) {
    super({
      ...options,
      name: "iteration",
      attributes: { [WAYBILL_ITERATION]: iteration, ...options.attributes },
    });
  }
}

/** Runs one turn of an agent's loop inside an `iteration` span, which ends when what `fn` gives is over. */
export function traceIteration<T>(options: IterationOptions, fn: (span: IterationSpan) => T): T {
  return runAndEnd(new IterationSpan(options), fn);
}
