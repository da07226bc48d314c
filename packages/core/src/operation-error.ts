import { recordableText } from "./content-policy.ts";
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
  if (typeof code === "string" && /^[\w.-]{1,64}$/.test(code)) return code;
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

/** Whether an error says that somebody gave up on the operation, rather than that it failed. */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (typeof error !== "object" || error === null)
    return signal?.aborted === true && signal.reason === error;
  const { name } = error as { name?: unknown };
  if (name === "TimeoutError") return false;
  return name === "AbortError" || (signal?.aborted === true && signal.reason === error);
}

function errorName(error: object): string {
  const { name } = error as { name?: unknown };
  if (typeof name === "string" && name !== "" && name !== "Error") return name.slice(0, 128);
  const className: unknown = error.constructor?.name;
  return typeof className === "string" && className !== "" ? className : "_OTHER";
}
