import {
  context as contextApi,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Context, Span, TextMapGetter } from "@opentelemetry/api";

import { contextWithoutIdentity, resolveIdentity } from "../identity-context.ts";
import { cleanIdentity, mergeIdentity } from "../identity.ts";
import type { Identity } from "../identity.ts";
import { isPromiseLike } from "../is-promise-like.ts";
import { errorMessage, errorType, exceptionAttributes } from "../operation-error.ts";
import { attempt, reportFailure } from "../report-failure.ts";
import {
  contextWithoutRequestScope,
  contextWithRequestScope,
  RequestScope,
} from "../request-scope.ts";
import {
  ERROR_TYPE,
  EXCEPTION_EVENT,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_ROUTE,
  WAYBILL_OUTCOME,
} from "../semconv.ts";
import { SpanHandle } from "../span-handle.ts";
import { bounded, requestAttributes, spanMethod } from "./http-request.ts";
import type { HttpRequest } from "./http-request.ts";
import { contextWithAcceptedBaggage, identityFromBaggage } from "./request-identity.ts";

/** What is known at the door beside the request itself. */
export interface RequestSpanOptions {
  /** The baggage keys that are let in. */
  readonly acceptBaggage: readonly string[];

  /** Whose request it is, if that is known already. What it says goes before what the baggage says. */
  readonly identify?: () => Identity | undefined;

  /**
   * Whether the request came over a connection. Then what is active is what was active when its server started, which
   * does not concern it, unless it is the SERVER span of an HTTP instrumentation.
   *
   * @default false: the request is a call within the process, below what is active and with the identity of its caller
   */
  readonly overConnection?: boolean;
}

/** How a response ended. */
export interface ResponseEnd {
  /** The status code, if one was sent. */
  readonly statusCode?: number | undefined;

  /** The route's template (`/orders/:id`), if a route matched. */
  readonly route?: string | undefined;

  /**
   * What kept the response from being made, or from being sent in full: what the application or the response's stream
   * failed with; no `error` if the server cut the response off and did not say why.
   */
  readonly failure?: { readonly error?: unknown } | undefined;

  /** Whether the client left before the response was complete. Does not count beside a failure. */
  readonly clientLeft?: boolean;

  /** Whether nobody ever read the response. */
  readonly unread?: boolean;

  /** Whether the response is an event stream, which a client ends by leaving. */
  readonly eventStream?: boolean;
}

/** The SERVER span of a request, with the request's scope. */
export interface RequestSpan {
  /** The context that the application runs in. */
  readonly context: Context;

  readonly ended: boolean;

  /** Ends the span and closes the scope. Only the first call counts. */
  end(response: ResponseEnd): void;
}

const MAX_HEADER_LENGTH: Readonly<Record<string, number>> = { traceparent: 512, baggage: 8192 };

/**
 * Opens the SERVER span of a request and the request's scope.
 *
 * The parent comes from the request's trace headers by the registered propagator; of its baggage only the accepted
 * keys are let in. A baggage header of more than 8192 characters, or a traceparent of more than 512, counts as absent.
 */
export function startRequestSpan(request: HttpRequest, options: RequestSpanOptions): RequestSpan {
  const active = contextApi.active();
  const outerSpan = options.overConnection === true ? openServerSpan(active) : undefined;
  const caller = options.overConnection === true && outerSpan === undefined ? ROOT_CONTEXT : active;
  const parent = parentContext(request, caller, outerSpan, options.acceptBaggage);
  const method = spanMethod(request.method);
  const handle = new SpanHandle({
    name: method,
    kind: SpanKind.SERVER,
    attributes: attempt("a request could not be described", () => requestAttributes(request)) ?? {},
    parent,
  });

  const layers = [
    resolveIdentity(caller).identity,
    cleanIdentity(identityFromBaggage(parent)),
    statedIdentity(options.identify),
  ];
  return new OpenRequestSpan(handle, method, layers.reduce(mergeIdentity));
}

/** It holds on to nothing of the request or the response, which would otherwise live for as long as any context in it. */
class OpenRequestSpan implements RequestSpan {
  readonly context: Context;
  readonly #handle: SpanHandle;
  readonly #method: string;
  readonly #scope: RequestScope;

  constructor(handle: SpanHandle, method: string, identity: Identity) {
    this.#handle = handle;
    this.#method = method;
    this.#scope = new RequestScope(handle.span, identity);
    this.context = contextWithRequestScope(handle.context, this.#scope);
  }

  get ended(): boolean {
    return this.#handle.ended;
  }

  end(response: ResponseEnd): void {
    if (this.ended) return;
    attempt("the end of a request could not be recorded", () =>
      recordResponse(this.#handle, this.#method, response),
    );
    const clientLeft = response.clientLeft === true && response.failure === undefined;
    this.#scope.close({ clientLeft });
    if (clientLeft) this.#handle.end("cancelled");
    else this.#handle.end(response.unread === true ? "abandoned" : undefined);
  }
}

/** The open span of an HTTP instrumentation that has already taken the request in. */
function openServerSpan(context: Context): Span | undefined {
  const span: (Span & { readonly kind?: SpanKind }) | undefined = trace.getSpan(context);
  return span?.kind === SpanKind.SERVER && span.isRecording() ? span : undefined;
}

function parentContext(
  request: HttpRequest,
  caller: Context,
  outerSpan: Span | undefined,
  acceptBaggage: readonly string[],
): Context {
  // A caller's request is not this one, and its baggage not what this one was sent.
  const base = propagation.deleteBaggage(
    contextWithoutRequestScope(contextWithoutIdentity(caller)),
  );
  const extracted =
    attempt("the trace headers of a request could not be read", () =>
      propagation.extract(base, request, headerGetter),
    ) ?? base;
  const parent = outerSpan === undefined ? extracted : trace.setSpan(extracted, outerSpan);
  return contextWithAcceptedBaggage(parent, acceptBaggage);
}

function statedIdentity(identify: RequestSpanOptions["identify"]): Identity {
  const identity = attempt("`identify` threw; the request has no identity from it", () => {
    const stated: Identity = identify?.() ?? {};
    if (!isPromiseLike(stated)) return cleanIdentity(stated);
    reportFailure("`identify` returned a promise, which is not waited for; use `setIdentity`");
    Promise.resolve(stated).catch(() => {});
    return {};
  });
  return identity ?? {};
}

function recordResponse(handle: SpanHandle, method: string, response: ResponseEnd): void {
  const { statusCode, route, failure, clientLeft = false, eventStream = false } = response;
  if (!handle.recording) return;

  if (statusCode !== undefined) handle.setAttributes({ [HTTP_RESPONSE_STATUS_CODE]: statusCode });
  if (route !== undefined) {
    const template = bounded(route);
    handle.setAttributes({ [HTTP_ROUTE]: template });
    handle.span.updateName(`${method} ${template}`);
  }

  if (failure !== undefined) {
    recordFailure(handle, failure);
  } else if (statusCode !== undefined && statusCode >= 500) {
    handle.setAttributes({ [ERROR_TYPE]: String(statusCode), [WAYBILL_OUTCOME]: "error" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR });
  } else if (clientLeft && !eventStream) {
    handle.setAttributes({ [ERROR_TYPE]: "client_disconnected" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

function recordFailure(handle: SpanHandle, failure: { readonly error?: unknown }): void {
  handle.setAttributes({ [WAYBILL_OUTCOME]: "error" });
  if (!("error" in failure)) {
    handle.setAttributes({ [ERROR_TYPE]: "server_disconnected" });
    handle.span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const { error } = failure;
  handle.setAttributes({ [ERROR_TYPE]: errorType(error) });
  handle.span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  handle.addEvent(EXCEPTION_EVENT, exceptionAttributes(error));
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
