import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import type { OperationOptions } from "./operation-options.ts";
import { recordableName, recordableWord, spanName } from "./recordable-name.ts";
import { attempt, reportFailure } from "./report-failure.ts";
import {
  WAYBILL_DECISION_CHOSEN,
  WAYBILL_DECISION_OPTION_COUNT,
  WAYBILL_DECISION_OPTIONS,
  WAYBILL_DECISION_REASON,
  WAYBILL_DECISION_TYPE,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** What is to be decided. */
export interface DecisionOptions extends OperationOptions {
  /** The kind of decision (`route_request`), which becomes part of the span's name: one of few. */
  readonly type: string;

  /** What can be chosen. Their number is always recorded; they themselves are content (`input`). */
  readonly options?: readonly unknown[];
}

/** What was decided. */
export interface DecisionResult {
  /** The name of what was chosen, one of few: redacted, and at most 256 characters of it. */
  readonly chosen: string;

  /** Why. It is content (`output`). */
  readonly reason?: string | undefined;
}

const MAX_CHOSEN_LENGTH = 256;

/** The span of a decision. */
export class DecisionSpan extends SpanHandle {
  constructor({ type, options: choices, ...options }: DecisionOptions) {
    const name = recordableName(type);
    super({
      ...options,
      name: spanName("decision", name),
      attributes: {
        ...definedAttributes({
          [WAYBILL_DECISION_TYPE]: name,
          [WAYBILL_DECISION_OPTION_COUNT]: choices?.length,
        }),
        ...options.attributes,
      },
    });
    this.recordContent("input", WAYBILL_DECISION_OPTIONS, () => choices);
  }

  /** Records what was decided, and why. */
  recordDecision(decision: DecisionResult): void {
    attempt("a decision could not be recorded", () => {
      const chosen = recordableWord(decision.chosen, MAX_CHOSEN_LENGTH);
      if (chosen === undefined) reportFailure("what was chosen is no string; it was left out");
      this.setAttributes(definedAttributes({ [WAYBILL_DECISION_CHOSEN]: chosen }));
      this.recordContent("output", WAYBILL_DECISION_REASON, () => decision.reason ?? undefined);
    });
  }
}

/**
 * Decides something inside a `decision {type}` span, which ends when what `fn` gives is over.
 *
 * @example
 * ```ts
 * import { traceDecision } from "@waybill/core";
 *
 * const route = traceDecision({ type: "route_request", options: ["refund", "search"] }, (span) => {
 *   span.recordDecision({ chosen: "search", reason: "the customer asked where the order is" });
 *   return "search";
 * });
 * console.log(route);
 * ```
 */
export function traceDecision<T>(options: DecisionOptions, fn: (span: DecisionSpan) => T): T {
  return runAndEnd(new DecisionSpan(options), fn);
}
