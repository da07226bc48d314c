import { checkOptions } from "./check-options.ts";
import { CONTENT_KINDS } from "./content-policy.ts";
import type { CaptureContent, Redactor } from "./content-policy.ts";
import { processState } from "./process-state.ts";

/** Settings of the whole process, shared by all copies of this package in it. */
export interface WaybillSettings {
  /**
   * Which content is recorded.
   *
   * @default what `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says, else `false`
   */
  readonly captureContent?: CaptureContent;

  /**
   * Sees every string before it is recorded as content or as an error message, and returns what may be recorded.
   * If it throws, the string is replaced as a whole.
   *
   * @default strings are recorded as they are
   */
  readonly redact?: Redactor;

  /**
   * The most bytes (UTF-8) that one content attribute or error message may have. What is longer is cut inside its
   * values, so that JSON stays valid, and marked.
   *
   * @default 16384
   */
  readonly maxAttributeBytes?: number;
}

/**
 * Changes settings of the whole process; settings that are not given keep their value.
 *
 * @throws TypeError naming the setting, if one is unknown or of the wrong type.
 */
export function configureWaybill(settings: WaybillSettings): void {
  checkOptions("configureWaybill", settings, {
    captureContent: ["boolean", "object"],
    redact: "function",
    maxAttributeBytes: "non-negative integer",
  });
  if (typeof settings.captureContent === "object") {
    const kinds = Object.fromEntries(CONTENT_KINDS.map((kind) => [kind, "boolean" as const]));
    checkOptions("configureWaybill `captureContent`", settings.captureContent, kinds);
  }

  const state = processState();
  state.settings = { ...state.settings, ...settings };
}
