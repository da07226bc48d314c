import { processState } from "./process-state.ts";
import { redactSecrets } from "./redactors.ts";
import { reportFailure } from "./report-failure.ts";
import { boundedText, serializeContent } from "./serialize-content.ts";
import type { SerializeContentOptions } from "./serialize-content.ts";

/** The kinds of content that can be switched on one by one. */
export const CONTENT_KINDS = [
  "input",
  "output",
  "system",
  "toolArguments",
  "toolResults",
  "memory",
] as const;

/** A kind of content: what went to a model, what came back, its instructions, a tool's side of it, memory records. */
export type ContentKind = (typeof CONTENT_KINDS)[number];

/** All content, none, or some kinds of it; a kind that is not named is not recorded. */
export type CaptureContent = boolean | Readonly<Partial<Record<ContentKind, boolean>>>;

/**
 * Returns what may be recorded of a text: of a string, of a number of 13 digits or more (as a string), of an object's
 * key. It gets the text as the built-in redactors leave it, and of a long one only the beginning.
 *
 * @param path Where the text stands in the recorded value, from the outermost key on; for a key, where its object
 *   stands. Empty for an error message, for the name of a tool's argument, for what was chosen and for an error's type.
 */
export type Redactor = (value: string, path: readonly (string | number)[]) => string;

const DEFAULT_MAX_ATTRIBUTE_BYTES = 16_384;
const CAPTURE_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
/** `EVENT_ONLY` is not among them: Waybill writes content on spans only. */
const CAPTURING_VALUES: ReadonlySet<string> = new Set(["true", "span_only", "span_and_event"]);

/**
 * Whether content of this kind may be recorded: the operation's own setting decides, else the process's, else the
 * environment variable `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`. Off where nobody says otherwise.
 */
export function capturesContent(kind: ContentKind, own?: CaptureContent): boolean {
  const capture = own ?? processState().settings.captureContent ?? environmentCapture();
  return typeof capture === "boolean" ? capture : capture[kind] === true;
}

/** A value as JSON, redacted, within the byte budget. */
export function contentAttribute(value: unknown): string {
  return serializeContent(value, limits());
}

/** A single text (an error message, a status description) as it may be recorded: redacted, within the byte budget. */
export function recordableText(text: string): string {
  return boundedText(text, limits());
}

function limits(): SerializeContentOptions {
  const { maxAttributeBytes = DEFAULT_MAX_ATTRIBUTE_BYTES } = processState().settings;
  return { maxBytes: maxAttributeBytes, redact: redactedText };
}

/** What the redactors leave of a text: the built-in ones, then the `redact` function. */
export function redactedText(value: string, path: readonly (string | number)[]): string {
  const { redactors, redact } = processState().settings;
  const safe = redactSecrets(value, redactors);
  if (redact === undefined) return safe;
  try {
    const result: unknown = redact(safe, [...path]);
    if (typeof result === "string") return result;
    reportFailure("the `redact` function returned no string; the text was left out");
  } catch (error) {
    reportFailure("the `redact` function threw; the text was left out", error);
  }
  return "[redaction failed]";
}

function environmentCapture(): boolean {
  const value = globalThis.process?.env?.[CAPTURE_VARIABLE];
  return value !== undefined && CAPTURING_VALUES.has(value.trim().toLowerCase());
}
