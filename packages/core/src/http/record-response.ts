import { SpanStatusCode } from "@opentelemetry/api";
import type { Context, Span, TimeInput } from "@opentelemetry/api";

import { recordException } from "../exception-signal.ts";
import { errorMessage, errorType } from "../operation-error.ts";
import { attempt } from "../report-failure.ts";
import { ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, WAYBILL_OUTCOME } from "../semconv.ts";
import { callHook } from "./call-hook.ts";
import type { ClientAbortStatus, TraceMiddlewareOptions } from "./middleware-options.ts";
import type { ResponseEnd } from "./response-end.ts";

/** How errors are recorded, as the options of `traceMiddleware` have it. */
export type ErrorRecording = Pick<TraceMiddlewareOptions<never>, "recordException" | "clientAbort">;

/** Records on a request's span how its response ended. */
export function recordResponse(
  span: Span,
  context: Context,
  response: ResponseEnd,
  recording: ErrorRecording,
  time: TimeInput | undefined,
): void {
  const { statusCode, failure, clientLeft = false } = response;
  if (statusCode !== undefined) span.setAttribute(HTTP_RESPONSE_STATUS_CODE, statusCode);

  if (failure !== undefined) {
    span.setAttribute(WAYBILL_OUTCOME, "error");
    if (!("error" in failure)) return fail(span, "server_disconnected");
    const { error } = failure;
    const type = attempt("an error's type could not be read", () => errorType(error));
    const message = attempt("an error's message could not be read", () => errorMessage(error));
    fail(span, type ?? "_OTHER", message);
    if (isRecorded(error, recording)) {
      attempt("an exception could not be recorded", () =>
        recordException({ error, span, context, time, isRequest: true }),
      );
    }
  } else if (statusCode !== undefined && statusCode >= 500) {
    span.setAttribute(WAYBILL_OUTCOME, "error");
    fail(span, String(statusCode));
  } else if (clientLeft && abortStatus(response, recording) === "error") {
    fail(span, "client_disconnected");
  }
}

function fail(span: Span, type: string, message?: string): void {
  span.setAttribute(ERROR_TYPE, type);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
}

function isRecorded(error: unknown, { recordException: decides = true }: ErrorRecording): boolean {
  if (typeof decides === "boolean") return decides;
  return callHook("`recordException`", () => decides(error)) !== false;
}

function abortStatus(
  { eventStream = false, statusCode }: ResponseEnd,
  { clientAbort }: ErrorRecording,
): ClientAbortStatus {
  const status =
    typeof clientAbort === "function"
      ? callHook("`clientAbort`", () => clientAbort({ eventStream, statusCode }))
      : clientAbort;
  if (status === "error" || status === "unset") return status;
  return eventStream ? "unset" : "error";
}
