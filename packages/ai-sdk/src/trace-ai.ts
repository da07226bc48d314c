import { checkOptions } from "@waybill/core";
import type { CaptureContent, ContentKind } from "@waybill/core";

import type { AiModule } from "./ai-module.ts";
import { tracedGenerateText } from "./generate-text.ts";
import { tracedStreamText } from "./stream-text.ts";
import type { TracedCall } from "./traced-call.ts";

/** Options of {@link traceAI}. */
export interface TraceAIOptions {
  /**
   * Which content is recorded: what models are given and answer, tools' arguments and results.
   *
   * @default the process's setting, see `configureWaybill` of `@waybill/core`
   */
  readonly captureContent?: CaptureContent;
}

/**
 * The AI SDK with its calls traced: an object of the same type, with all that `ai` has. `ai` itself stays as it is.
 *
 * Each call of `generateText` and `streamText` becomes an `invoke_agent` span, named by `telemetry.functionId`; every
 * attempt at a model call a `chat` span below it, every tool call an `execute_tool` span, inside which the tool's own
 * code runs. Results, errors and the order of events are those of the SDK. A call with `telemetry.isEnabled: false` is
 * not traced.
 *
 * @throws TypeError if `ai` is no AI SDK module, or naming an option that is wrong.
 * @example
 * ```ts
 * import { openai } from "@ai-sdk/openai";
 * import { traceAI } from "@waybill/ai-sdk";
 * import * as ai from "ai";
 *
 * const { generateText } = traceAI(ai);
 * const { text } = await generateText({ model: openai("gpt-5"), prompt: "Say hello." });
 * console.log(text);
 * ```
 */
export function traceAI<AI extends AiModule>(ai: AI, options: TraceAIOptions = {}): AI {
  checkModule(ai);
  checkTraceOptions(options);

  const { captureContent } = options;
  const { generateText, streamText }: Functions = ai;
  return {
    ...ai,
    ...(isFunction(generateText) && {
      generateText: tracedGenerateText(generateText, { ai, captureContent }),
    }),
    ...(isFunction(streamText) && {
      streamText: tracedStreamText(streamText, { ai, captureContent }),
    }),
  };
}

type Functions = { readonly [name in "generateText" | "streamText"]?: unknown };

function checkModule(ai: unknown): void {
  const { generateText, streamText } = (ai ?? {}) as Functions;
  if (isFunction(generateText) || isFunction(streamText)) return;
  throw new TypeError(
    "traceAI: the first argument is no `ai` module: it has neither `generateText` nor `streamText`; " +
      'give it `import * as ai from "ai"`',
  );
}

const CONTENT_KINDS: Record<ContentKind, "boolean"> = {
  input: "boolean",
  output: "boolean",
  system: "boolean",
  toolArguments: "boolean",
  toolResults: "boolean",
  memory: "boolean",
};

function checkTraceOptions(options: TraceAIOptions): void {
  checkOptions("traceAI", options, { captureContent: ["boolean", "object"] });
  if (typeof options.captureContent === "object") {
    checkOptions("traceAI `captureContent`", options.captureContent, CONTENT_KINDS);
  }
}

function isFunction(value: unknown): value is TracedCall {
  return typeof value === "function";
}
