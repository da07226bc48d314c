import { recordableText } from "./content-policy.ts";
import { MAX_NAME_LENGTH, recordableWord } from "./recordable-name.ts";
import { EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE } from "./semconv.ts";

/**
 * A low-cardinality name for an error, for `error.type`: its code (`rate_limit_exceeded`), else its HTTP status, else
 * its class, else `_OTHER`.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
 */
export function errorType(error: unknown): string {
  if (typeof error !== "object" || error === null) return "_OTHER";
  const { code, status, statusCode } = error as Record<string, unknown>;
  if (typeof code === "string" && /^[\w.-]{1,64}$/.test(code)) return harmless(code);
  for (const number of [status, statusCode]) {
    if (typeof number === "number" && number >= 400 && number <= 599) return String(number);
  }
  return errorName(error);
}

/** An error's message, as it may be recorded. */
export function errorMessage(error: unknown): string {
  if (typeof error !== "object" || error === null) return recordableText(String(error));
  const { message } = error as { message?: unknown };
  return typeof message === "string" ? recordableText(message) : "";
}

/** The attributes of the span event `exception`. */
export function exceptionAttributes(error: unknown): Record<string, string> {
  const stack = typeof error === "object" && error !== null ? (error as Error).stack : undefined;
  return {
    [EXCEPTION_TYPE]: typeof error === "object" && error !== null ? errorName(error) : typeof error,
    [EXCEPTION_MESSAGE]: errorMessage(error),
    ...(typeof stack === "string" && { [EXCEPTION_STACKTRACE]: recordableText(stack) }),
  };
}

/**
 * Whether an error says that somebody gave up on the operation, rather than that it failed. A timeout is a failure,
 * whatever the error is called: it shows in the error's cause, or in the reason of the operation's own signal.
 */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  const reason: unknown = signal?.aborted === true ? signal.reason : undefined;
  if (isTimeout(error)) return false;
  if (reason !== undefined && reason === error) return true;
  if (typeof error !== "object" || error === null) return false;
  const { name, cause } = error as { name?: unknown; cause?: unknown };
  // Providers' clients have errors of their own for it: OpenAI's `APIUserAbortError` is called `Error`.
  const isCalledAbort = name === "AbortError" || /Abort.*Error$/.test(error.constructor?.name);
  const isOwn = name === "AbortError" || reason !== undefined;
  return isCalledAbort && isOwn && !isTimeout(cause) && !isTimeout(reason);
}

function isTimeout(error: unknown): boolean {
  return (error as { name?: unknown } | null | undefined)?.name === "TimeoutError";
}

function errorName(error: object): string {
  const { name } = error as { name?: unknown };
  if (typeof name === "string" && name !== "" && name !== "Error") return harmless(name);
  const className: unknown = error.constructor?.name;
  return typeof className === "string" ? harmless(className) : "_OTHER";
}

/** A type as it is; `_OTHER` for none, for one of more than 128 characters, and for one that the redactors would change. */
function harmless(type: string): string {
  return type !== "" && recordableWord(type, MAX_NAME_LENGTH) === type ? type : "_OTHER";
}
