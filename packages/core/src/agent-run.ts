import { context as contextApi } from "@opentelemetry/api";

import { asMessages } from "./as-messages.ts";
import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { resolveIdentity } from "./identity-context.ts";
import { cleanIdentity } from "./identity.ts";
import type { AgentIdentity } from "./identity.ts";
import type { OperationOptions } from "./operation-options.ts";
import {
  boundedText,
  MAX_DESCRIPTION_LENGTH,
  recordableName,
  spanName,
} from "./recordable-name.ts";
import { attempt } from "./report-failure.ts";
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
import { openSpan, SpanHandle } from "./span-handle.ts";
import { knownUsage } from "./token-usage.ts";
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
    const { description, type, taskLength } = options;
    const agent = ownAgent(options);
    const name = agent.name || undefined;
    super({
      ...options,
      agent,
      name: spanName("invoke_agent", name),
      attributes: {
        [GEN_AI_OPERATION_NAME]: "invoke_agent",
        ...definedAttributes({
          [GEN_AI_AGENT_NAME]: name,
          [GEN_AI_AGENT_DESCRIPTION]: boundedText(description, MAX_DESCRIPTION_LENGTH),
          [WAYBILL_AGENT_TYPE]: recordableName(type),
          [WAYBILL_AGENT_TASK_LENGTH]: taskLength,
        }),
        ...options.attributes,
      },
    });
  }

  /** Records the messages that the agent was given, in the GenAI message schema or as one text, as content. */
  recordInput(read: () => unknown): void {
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, () => asMessages("user", read()));
  }

  /** Records the messages that the agent answered with, in the GenAI message schema or as one text, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, () => asMessages("assistant", read()));
  }

  /** Records what is known at the end, none of it content. */
  recordResult(result: AgentRunResult): void {
    attempt("the result of an agent's run could not be recorded", () => {
      const { iterations, stopReason } = result;
      const usage = knownUsage(result.usage);
      this.setAttributes(
        definedAttributes({
          [WAYBILL_AGENT_ITERATIONS]: iterations,
          [WAYBILL_AGENT_STOP_REASON]: recordableName(stopReason),
          [WAYBILL_USAGE_INPUT_TOKENS]: usage.inputTokens,
          [WAYBILL_USAGE_OUTPUT_TOKENS]: usage.outputTokens,
        }),
      );
    });
  }
}

/** The agent as it is recorded. One without a name does not go by the name of the agent that runs it. */
function ownAgent({ agent, parent = contextApi.active() }: AgentRunOptions): AgentIdentity {
  const own = cleanIdentity({ agent: agent ?? {} }).agent ?? {};
  const inherited = resolveIdentity(parent).identity.agent?.name;
  if (own.name || !inherited) return own;
  let outer = openSpan(parent);
  while (outer !== undefined && outer.operationName !== "invoke_agent") outer = outer.outer;
  const outerName = outer && resolveIdentity(outer.context).identity.agent?.name;
  return outerName === inherited ? { ...own, name: "" } : own;
}

/** Runs an agent inside an `invoke_agent` span, which ends when what `fn` gives is over. */
export function traceAgentRun<T>(options: AgentRunOptions, fn: (span: AgentRunSpan) => T): T {
  return runAndEnd(new AgentRunSpan(options), fn);
}
