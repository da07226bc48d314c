import { context as contextApi, propagation, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { Context, TextMapGetter } from "@opentelemetry/api";

import { contextWithoutIdentity } from "../identity-context.ts";
import { cleanIdentity, mergeIdentity } from "../identity.ts";
import type { Identity } from "../identity.ts";
import { errorMessage, errorType, exceptionAttributes } from "../operation-error.ts";
import { attempt, reportFailure } from "../report-failure.ts";
import { contextWithRequestScope, RequestScope } from "../request-scope.ts";
import {
  ERROR_TYPE,
  EXCEPTION_EVENT,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_ROUTE,
  WAYBILL_OUTCOME,
} from "../semconv.ts";
import { SpanHandle } from "../span-handle.ts";
import { requestAttributes, spanMethod } from "./http-request.ts";
import type { HttpRequest } from "./http-request.ts";
import { contextWithAcceptedBaggage, identityFromBaggage } from "./request-identity.ts";

/** What is known at the door beside the request itself. */
export interface RequestSpanOptions {
  /** The baggage keys that are let in. */
  readonly acceptBaggage: readonly string[];

  /** Whose request it is, if that is known already. What it says goes before what the baggage says. */
  readonly identify?: () => Identity | undefined;
}

/** How a response ended. */
export interface ResponseEnd {
  /** The status code, if one was sent. */
  readonly statusCode?: number | undefined;

  /** The route's template (`/orders/:id`), if a route matched. */
  readonly route?: string | undefined;

  /** What the application or the stream of the response failed with. */
  readonly error?: unknown;

  /** Whether the client left before the response was complete. */
  readonly clientLeft?: boolean;

  /** Whether the response is an event stream, which a client ends by leaving. */
  readonly eventStream?: boolean;
}

/** The SERVER span of a request, with the request's scope. */
export interface RequestSpan {
  /** The context that the application runs in. */
  readonly context: Context;

  /** Ends the span and closes the scope. Only the first call counts. */
  readonly end: (response: ResponseEnd) => void;
}

const MAX_HEADER_LENGTH: Readonly<Record<string, number>> = { traceparent: 512, baggage: 8192 };

/**
 * Opens the SERVER span of a request and the request's scope.
 *
 * The parent comes from the request's trace headers by the registered propagator; of its baggage only the accepted
 * keys are let in. A baggage header of more than 8192 characters, or a traceparent of more than 512, counts as absent.
 */
export function startRequestSpan(request: HttpRequest, options: RequestSpanOptions): RequestSpan {
  const extracted = attempt("the trace headers of a request could not be read", () =>
    propagation.extract(contextApi.active(), request, headerGetter),
  );
  const parent = contextWithAcceptedBaggage(
    contextWithoutIdentity(extracted ?? contextApi.active()),
    options.acceptBaggage,
  );
  const handle = new SpanHandle({
    name: spanMethod(request.method),
    kind: SpanKind.SERVER,
    attributes: attempt("a request could not be described", () => requestAttributes(request)) ?? {},
    parent,
  });

  const stated = cleanIdentity(identityFromBaggage(parent));
  const known = attempt("`identify` threw; the request has no identity from it", () =>
    cleanIdentity(options.identify?.() ?? {}),
  );
  const scope = new RequestScope(handle.span, mergeIdentity(stated, known ?? {}));

  return {
    context: contextWithRequestScope(handle.context, scope),
    end(response) {
      if (handle.ended) return;
      attempt("the end of a request could not be recorded", () =>
        recordResponse(handle, spanMethod(request.method), response),
      );
      scope.close({ clientLeft: response.clientLeft === true });
      handle.end(response.clientLeft === true ? "cancelled" : undefined);
    },
  };
}

function recordResponse(handle: SpanHandle, method: string, response: ResponseEnd): void {
  const { statusCode, route, error, clientLeft = false, eventStream = false } = response;
  if (!handle.recording) return;

  if (statusCode !== undefined) handle.setAttributes({ [HTTP_RESPONSE_STATUS_CODE]: statusCode });
  if (route !== undefined) {
    handle.setAttributes({ [HTTP_ROUTE]: route });
    handle.span.updateName(`${method} ${route}`);
  }

  const serverFailed = statusCode !== undefined && statusCode >= 500;
  if (error !== undefined) {
    handle.addEvent(EXCEPTION_EVENT, exceptionAttributes(error));
    handle.setAttributes({ [ERROR_TYPE]: errorType(error), [WAYBILL_OUTCOME]: "error" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  } else if (serverFailed) {
    handle.setAttributes({ [ERROR_TYPE]: String(statusCode), [WAYBILL_OUTCOME]: "error" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR });
  } else if (clientLeft && !eventStream) {
    handle.setAttributes({ [ERROR_TYPE]: "client_disconnected" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

const headerGetter: TextMapGetter<HttpRequest> = {
  keys: () => ["traceparent", "tracestate", "baggage"],
  get(request, name) {
    const value = request.header(name);
    const limit = MAX_HEADER_LENGTH[name] ?? MAX_HEADER_LENGTH.baggage;
    if (value !== undefined && limit !== undefined && value.length > limit) {
      reportFailure(`a \`${name}\` header of more than ${limit} characters was ignored`);
      return undefined;
    }
    return value;
  },
};
