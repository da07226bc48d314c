import { checkOptions } from "./check-options.ts";
import type { OptionType } from "./check-options.ts";
import { CONTENT_KINDS } from "./content-policy.ts";
import type { CaptureContent, Redactor } from "./content-policy.ts";
import { definedMembers } from "./defined-members.ts";
import type { HistoryMode } from "./message-history.ts";
import { processState } from "./process-state.ts";
import { REDACTORS } from "./redactors.ts";
import type { RedactorSettings } from "./redactors.ts";

/** Settings of the whole process, shared by all copies of this package in it. */
export interface WaybillSettings {
  /**
   * Which content is recorded.
   *
   * @default what `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says, else `false`
   */
  readonly captureContent?: CaptureContent;

  /**
   * Which messages of a model call are recorded: with `"new"`, of an agent run's later calls only those that the call
   * before in the same conversation did not have yet, behind `waybill.content.first_message` (the index of the first of
   * them) and, from a run's second conversation on, `waybill.content.conversation` (its number), and the system
   * instructions only when they have changed; with `"full"`, all of them, each time.
   *
   * @default "new"
   */
  readonly history?: HistoryMode;

  /**
   * Which of the built-in redactors are at work on what is recorded as content, as an error message or as a name.
   *
   * @default all of them
   */
  readonly redactors?: RedactorSettings;

  /**
   * Sees, after the built-in redactors, every text before it is recorded as content or as an error message, and the
   * names of a tool's arguments, what was chosen and the types of errors, and returns what may be recorded. If it throws, the text is replaced as a whole.
   *
   * @default texts are recorded as the built-in redactors leave them
   */
  readonly redact?: Redactor;

  /**
   * The most bytes (UTF-8) that one content attribute or error message may have. What is longer is cut inside its
   * values, so that JSON stays valid, and marked. Under 37 bytes no object or array fits: a mark stands for it; JSON
   * takes 2 bytes at least.
   *
   * @default 16384
   */
  readonly maxAttributeBytes?: number;

  /**
   * How long an operation of a request may show no activity after the response is over before it is ended, in
   * milliseconds: as `cancelled` if the client left, else as `abandoned`. See `detach` for work that shall go on.
   *
   * @default 60000
   */
  readonly graceMs?: number;
}

/**
 * Changes settings of the whole process; settings that are not given, or `undefined`, keep their value.
 *
 * @throws TypeError naming the setting, if one is unknown or of the wrong type.
 */
export function configureWaybill(settings: WaybillSettings): void {
  checkSettings("configureWaybill", settings);
  const state = processState();
  state.settings = { ...state.settings, ...definedMembers(settings) };
}

/**
 * Checks the settings among the options of a set-up function.
 *
 * @param owner The function whose options these are, for the message.
 * @param others The options that are no settings, as in {@link checkOptions}.
 * @throws TypeError naming the option, if one is unknown or of the wrong type.
 */
export function checkSettings(
  owner: string,
  settings: unknown,
  others: Readonly<Record<string, OptionType | readonly OptionType[]>> = {},
): void {
  checkOptions(owner, settings, {
    ...others,
    captureContent: ["boolean", "object"],
    history: "string",
    redactors: "object",
    redact: "function",
    maxAttributeBytes: "non-negative integer",
    graceMs: "non-negative integer",
  });
  const { captureContent, history, redactors = {} } = settings as WaybillSettings;
  if (typeof captureContent === "object") {
    checkOptions(`${owner} \`captureContent\``, captureContent, booleans(CONTENT_KINDS));
  }
  checkOptions(`${owner} \`redactors\``, redactors, booleans(REDACTORS));
  if (history !== undefined && history !== "new" && history !== "full") {
    const got = JSON.stringify(history);
    throw new TypeError(`${owner}: option \`history\` must be "new" or "full", got ${got}`);
  }
}

function booleans(names: readonly string[]): Record<string, "boolean"> {
  return Object.fromEntries(names.map((name) => [name, "boolean"]));
}
