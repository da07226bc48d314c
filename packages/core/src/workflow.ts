import { asMessages } from "./as-messages.ts";
import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import type { OperationOptions } from "./operation-options.ts";
import { recordableName, spanName } from "./recordable-name.ts";
import {
  GEN_AI_INPUT_MESSAGES,
  GEN_AI_OPERATION_NAME,
  GEN_AI_OUTPUT_MESSAGES,
  GEN_AI_WORKFLOW_NAME,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** Which workflow runs. */
export interface WorkflowOptions extends OperationOptions {
  /** The workflow's own name; leave it out rather than giving a class's. */
  readonly workflow?: string | undefined;
}

/** The span of a workflow's run: of a graph, or of several agents that work together. */
export class WorkflowSpan extends SpanHandle {
  constructor(options: WorkflowOptions) {
    const workflow = recordableName(options.workflow);
    super({
      ...options,
      name: spanName("invoke_workflow", workflow),
      attributes: {
        [GEN_AI_OPERATION_NAME]: "invoke_workflow",
        ...definedAttributes({ [GEN_AI_WORKFLOW_NAME]: workflow }),
        ...options.attributes,
      },
    });
  }

  /** Records the messages that the workflow was given, in the GenAI message schema or as one text, as content. */
  recordInput(read: () => unknown): void {
    this.recordContent("input", GEN_AI_INPUT_MESSAGES, () => asMessages("user", read()));
  }

  /** Records the messages that the workflow answered with, in the GenAI message schema or as one text, as content. */
  recordOutput(read: () => unknown): void {
    this.recordContent("output", GEN_AI_OUTPUT_MESSAGES, () => asMessages("assistant", read()));
  }
}

/** Runs a workflow inside an `invoke_workflow {workflow}` span, which ends when what `fn` gives is over. */
export function traceWorkflow<T>(options: WorkflowOptions, fn: (span: WorkflowSpan) => T): T {
  return runAndEnd(new WorkflowSpan(options), fn);
}
