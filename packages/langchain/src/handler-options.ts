import { checkOptions } from "@waybill/core";
import type { CaptureContent, ContentKind } from "@waybill/core";

/** Options of {@link TraceCallbackHandler}. */
export interface TraceCallbackHandlerOptions {
  /**
   * Whether the code inside a run sees the run's span as the active one, so that the spans of databases, HTTP clients
   * and your own code become its children. With `"off"` the handler makes spans only.
   *
   * @default "auto": where the runtime and the context manager allow it; if not, `diag` is told once
   */
  readonly activate?: "auto" | "off";

  /**
   * Which runs get a span: with `"default"` those that somebody wrote (agents, graphs and their nodes, chains with a name,
   * model calls, tools, retrievers), with `"all"` LangChain's own plumbing, too.
   *
   * @default "default"
   */
  readonly spans?: "default" | "all";

  /**
   * Which content is recorded: what models are given and answer, tools' arguments and results, retrievers' queries and
   * documents. A chain's or graph's state never is.
   *
   * @default the process's setting, see `configureWaybill` of `@waybill/core`
   */
  readonly captureContent?: CaptureContent;

  /**
   * How many runs may be open in this process at once. Above that, the oldest one's span ends as `abandoned`.
   *
   * @default 10000
   */
  readonly maxOpenRuns?: number;
}

/** The options with their defaults. */
export interface HandlerOptions extends Required<
  Omit<TraceCallbackHandlerOptions, "captureContent">
> {
  readonly captureContent: CaptureContent | undefined;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError naming the option, if one is unknown or wrong.
 */
export function handlerOptions(options: TraceCallbackHandlerOptions): HandlerOptions {
  checkOptions(OWNER, options, {
    activate: "string",
    spans: "string",
    captureContent: ["boolean", "object"],
    maxOpenRuns: "non-negative integer",
  });
  const { activate = "auto", spans = "default", captureContent, maxOpenRuns = 10_000 } = options;
  checkChoice("activate", activate, ["auto", "off"]);
  checkChoice("spans", spans, ["default", "all"]);
  if (maxOpenRuns < 1) {
    throw new TypeError(`${OWNER}: option \`maxOpenRuns\` must be at least 1, got ${maxOpenRuns}`);
  }
  if (typeof captureContent === "object") {
    checkOptions(`${OWNER} \`captureContent\``, captureContent, CONTENT_KINDS);
  }
  return { activate, spans, captureContent, maxOpenRuns };
}

const OWNER = "TraceCallbackHandler";
const CONTENT_KINDS: Record<ContentKind, "boolean"> = {
  input: "boolean",
  output: "boolean",
  system: "boolean",
  toolArguments: "boolean",
  toolResults: "boolean",
  memory: "boolean",
};

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  const list = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  throw new TypeError(`${OWNER}: option \`${name}\` must be ${list}, got ${JSON.stringify(value)}`);
}
