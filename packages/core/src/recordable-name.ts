import { redactedText } from "./content-policy.ts";
import { processState } from "./process-state.ts";
import { redactSecrets } from "./redactors.ts";

/** The most characters that are recorded of names, of ids, and of descriptions. */
export const MAX_NAME_LENGTH = 128;
const MAX_ID_LENGTH = 256;
export const MAX_DESCRIPTION_LENGTH = 1024;

/** More than any name has: of a longer one, the end may be half a secret. */
const MAX_SEEN_LENGTH = 4096;
const MAX_SECRET_LENGTH = 1024;

// oxlint-disable-next-line no-control-regex -- control characters are what it finds
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** What is recorded of an id or a description: its beginning, without control characters; nothing of what is no text. */
export function boundedText(value: unknown, maxLength: number = MAX_ID_LENGTH): string | undefined {
  if (typeof value !== "string") return undefined;
  return cut(withoutControlCharacters(value), maxLength);
}

/**
 * What is recorded of a name that is known at the start, which a model or a user may have chosen: what the built-in
 * redactors leave, cut only then, so that no half of a secret stays. Before a span starts nobody knows whether it will be
 * recorded, so the `redact` function does not see it.
 */
export function recordableName(value: unknown): string | undefined {
  return redactedName(value, MAX_NAME_LENGTH, (text) =>
    redactSecrets(text, processState().settings.redactors),
  );
}

/** What is recorded of a word that stands for what happened: a chosen option, an argument's name, an error's type. */
export function recordableWord(value: unknown, maxLength: number): string | undefined {
  return redactedName(value, maxLength, (text) => redactedText(text, []));
}

function redactedName(
  value: unknown,
  maxLength: number,
  redact: (text: string) => string,
): string | undefined {
  if (typeof value !== "string") return undefined;
  const safe = redact(withoutControlCharacters(value));
  return cut(value.length > MAX_SEEN_LENGTH ? safe.slice(0, -MAX_SECRET_LENGTH) : safe, maxLength);
}

/** The beginning of a span's name that the application has chosen. */
export function boundedName(name: unknown): string {
  return String(name).slice(0, MAX_NAME_LENGTH);
}

/** The name of an operation's span: what it does and, if that has a name, with what. */
export function spanName(operation: string, name: string | undefined): string {
  return name ? `${operation} ${name}` : operation;
}

/** Of a long text, only the beginning. */
export function withoutControlCharacters(text: string): string {
  return text.slice(0, MAX_SEEN_LENGTH).replace(CONTROL_CHARACTERS, "");
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : text.slice(0, maxLength).toWellFormed();
}
