import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { cleanIdentity } from "./identity.ts";
import type { AgentIdentity } from "./identity.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  GEN_AI_AGENT_DESCRIPTION,
  GEN_AI_AGENT_NAME,
  GEN_AI_INPUT_MESSAGES,
  GEN_AI_OPERATION_NAME,
  GEN_AI_OUTPUT_MESSAGES,
  WAYBILL_AGENT_ITERATIONS,
  WAYBILL_AGENT_STOP_REASON,
  WAYBILL_AGENT_TASK_LENGTH,
  WAYBILL_AGENT_TYPE,
  WAYBILL_USAGE_INPUT_TOKENS,
  WAYBILL_USAGE_OUTPUT_TOKENS,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";
import type { TokenUsage } from "./token-usage.ts";

/** Which agent runs, and on what. */
export interface AgentRunOptions extends OperationOptions {
  /** The agent; its name becomes part of the span's name. Everything below it carries this agent. */
  readonly agent?: AgentIdentity;

  /** What the agent is for, in a sentence. */
  readonly description?: string | undefined;

  /** The kind of agent (`react`, `planner`), as `waybill.agent.type`. */
  readonly type?: string;

  /** The task's length in characters. The task itself is content, see {@link AgentRunSpan.recordInput}. */
  readonly taskLength?: number;
}

/** What is known at the end of an agent's run. */
export interface AgentRunResult {
  readonly iterations?: number;

  /** Why it stopped (`respond`, `max_iterations`). */
  readonly stopReason?: string;

  /** The total over all model calls. It stands under `waybill.usage.*`, so that no reader adds it to theirs. */
  readonly usage?: TokenUsage;
}

/** The span of an agent's run. */
export class AgentRunSpan extends SpanHandle {
  constructor(options: AgentRunOptions) {
    const { agent = {}, description, type, taskLength } = options;
    const { name } = cleanIdentity({ agent }).agent ?? {};
    super({
      ...options,
      name: name === undefined ? "invoke_agent" : `invoke_agent ${name}`,
      attributes: {
        [GEN_AI_OPERATION_NAME]: "invoke_agent",
        ...definedAttributes({
          [GEN_AI_AGENT_NAME]: name,
          [GEN_AI_AGENT_DESCRIPTION]: description,
          [WAYBILL_AGENT_TYPE]: type,
          [WAYBILL_AGENT_TASK_LENGTH]: taskLength,
        }),
        ...options.attributes,
      },
    });
  }

  /** Records the messages that the agent was given, in the GenAI message schema, as content. */
  recordInput(read: () => unknown): void {
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, read);
  }

  /** Records the messages that the agent answered with, in the GenAI message schema, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, read);
  }

  /** Records what is known at the end, none of it content. */
  recordResult({ iterations, stopReason, usage }: AgentRunResult): void {
    this.setAttributes(
      definedAttributes({
        [WAYBILL_AGENT_ITERATIONS]: iterations,
        [WAYBILL_AGENT_STOP_REASON]: stopReason,
        [WAYBILL_USAGE_INPUT_TOKENS]: usage?.inputTokens,
        [WAYBILL_USAGE_OUTPUT_TOKENS]: usage?.outputTokens,
      }),
    );
  }
}

/** Runs an agent inside an `invoke_agent` span, which ends when what `fn` gives is over. */
export function traceAgentRun<T>(options: AgentRunOptions, fn: (span: AgentRunSpan) => T): T {
  return runAndEnd(new AgentRunSpan(options), fn);
}
