import { withSpan } from "@waybill/core";
import type { WaybillSettings } from "@waybill/core";

import type { Recording } from "./recording.ts";

/** Takes back what a test has set with `configureWaybill`. */
export const DEFAULT_SETTINGS = {
  captureContent: false,
  history: "new",
  redactors: {},
  redact: (value) => value,
  maxAttributeBytes: 16_384,
} as const satisfies WaybillSettings;

/** What is recorded of a value as content: a string as plain text, anything else as JSON. */
export function recordedContent(recording: Recording, value: unknown): string {
  withSpan("work", { captureContent: true }, (span) => {
    span.recordContent("input", "content", () => value);
  });
  const content = recording.spans().at(-1)?.attributes["content"];
  if (typeof content !== "string") throw new Error("nothing was recorded");
  return content;
}
