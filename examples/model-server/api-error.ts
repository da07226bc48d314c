import type { StreamErrorReply } from "./model-script.ts";

/** A request that is answered with an error, in OpenAI's words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ApiErrorStatus;
  readonly code: string | null;

  /** The part of the request that is wrong, such as `messages[0].role`. */
  readonly param: string | null;

  constructor(status: ApiErrorStatus, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
  }

  /** As it is sent: `{ error: { message, type, param, code } }`. */
  get body(): ApiErrorBody {
    const { message, param, code } = this;
    return { error: { message, type: errorType(this), param, code } };
  }
}

export type ApiErrorStatus = 400 | 401 | 404 | 429 | 500 | 503;

export interface ApiErrorDetails {
  readonly code?: string;
  readonly param?: string;
}

export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** Anything thrown as an error in OpenAI's words: what is not one already is the server's failure. */
export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(500, String(error));
}

/** The error that breaks a stream. */
export function streamFailure({
  message = "The server had an error while processing your request.",
}: StreamErrorReply): ApiError {
  return new ApiError(500, message, { code: "server_error" });
}

function errorType({ status, code }: ApiError): string {
  if (status >= 500) return "server_error";
  if (status !== 429) return "invalid_request_error";
  return code === "insufficient_quota" ? "insufficient_quota" : "requests";
}
