import { context as contextApi } from "@opentelemetry/api";

import { runAndEnd } from "./end-when-over.ts";
import { resolveIdentity } from "./identity-context.ts";
import type { OperationOptions } from "./operation-options.ts";
import { recordableName, spanName } from "./recordable-name.ts";
import { GEN_AI_OPERATION_NAME } from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** How an agent plans. */
export interface PlanOptions extends OperationOptions {
  /**
   * The agent that plans, for the span's name.
   *
   * @default the agent that is at work
   */
  readonly agent?: string;
}

/** The span of an agent's planning. */
export class PlanSpan extends SpanHandle {
  constructor({ agent: name, ...options }: PlanOptions) {
    const agent =
      recordableName(name) ??
      resolveIdentity(options.parent ?? contextApi.active()).identity.agent?.name;
    super({
      ...options,
      name: spanName("plan", agent),
      attributes: { [GEN_AI_OPERATION_NAME]: "plan", ...options.attributes },
      ...(name !== undefined && { agent: { name } }),
    });
  }
}

/**
 * Plans inside a `plan {agent}` span, which ends when what `fn` gives is over. Where planning is a model call, that is
 * the plan's child.
 */
export function tracePlan<T>(options: PlanOptions, fn: (span: PlanSpan) => T): T {
  return runAndEnd(new PlanSpan(options), fn);
}
