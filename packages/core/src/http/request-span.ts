import { context as contextApi } from "@opentelemetry/api";
import type { Context, Span, TimeInput } from "@opentelemetry/api";

import type { Outcome } from "../open-operation.ts";
import { attempt } from "../report-failure.ts";
import type { RequestScope } from "../request-scope.ts";
import { HTTP_ROUTE, WAYBILL_OUTCOME } from "../semconv.ts";
import { spanAttributes } from "../span-attributes.ts";
import type { SpanHandle } from "../span-handle.ts";
import type { AdoptableSpan } from "./adopted-span.ts";
import { callHook } from "./call-hook.ts";
import { bounded } from "./http-request.ts";
import type { TraceMiddlewareOptions } from "./middleware-options.ts";
import { recordResponse } from "./record-response.ts";
import { headerAttributes } from "./recorded-headers.ts";
import type { Answer, ResponseEnd } from "./response-end.ts";
import { serverTimingOf } from "./server-timing.ts";

/** The SERVER span of a request, with the request's scope. */
export interface RequestSpan<R> {
  /** The context that the application runs in. */
  readonly context: Context;

  readonly ended: boolean;

  /** Whether the span is another instrumentation's, which may end it as soon as the application is through. */
  readonly adopted: boolean;

  /** What the response header `Server-Timing` is to say, if anything. */
  readonly serverTiming: string | undefined;

  /** The application has answered: route, name and headers are recorded. Of several calls the last one counts. */
  answered(answer: Answer<R>): void;

  /**
   * Ends the span and closes the scope. Only the first call counts.
   *
   * @param request The framework's own object for the request, if it is still there.
   */
  end(response: ResponseEnd, request?: R): void;
}

/** What a request's span is made of. */
export interface RequestSpanParts {
  /** The method as the span's name may hold it. */
  readonly method: string;
  readonly scope: RequestScope;

  /** The context inside the span and the scope. */
  readonly context: Context;

  /** Whose span it is: ours, or another instrumentation's. */
  readonly owner: SpanHandle | AdoptableSpan;
}

/** It holds on to nothing of the request or the response, which would otherwise live for as long as any context in it. */
export class OpenRequestSpan<R> implements RequestSpan<R> {
  readonly context: Context;
  readonly #method: string;
  readonly #scope: RequestScope;
  readonly #owner: SpanHandle | AdoptableSpan;
  readonly #options: TraceMiddlewareOptions<R>;
  #route: string | undefined;
  #ended = false;

  constructor(
    { method, scope, context, owner }: RequestSpanParts,
    options: TraceMiddlewareOptions<R>,
  ) {
    this.context = context;
    this.#method = method;
    this.#scope = scope;
    this.#owner = owner;
    this.#options = options;
  }

  get ended(): boolean {
    return this.#ended || this.#handle?.ended === true;
  }

  get adopted(): boolean {
    return this.#handle === undefined;
  }

  get serverTiming(): string | undefined {
    return this.#options.serverTiming === true ? serverTimingOf(this.#span) : undefined;
  }

  started(request: R): void {
    const { onStart } = this.#options;
    if (onStart === undefined) return;
    contextApi.with(this.context, () =>
      callHook("`onStart`", () => onStart(this.#span, request) as unknown),
    );
  }

  answered(answer: Answer<R>): void {
    if (this.ended || !this.#isWatched) return;
    attempt("the answer to a request could not be recorded", () => this.#record(answer));
  }

  end(response: ResponseEnd, request?: R): void {
    if (this.ended) return;
    this.#ended = true;
    const clientLeft = response.clientLeft === true && response.failure === undefined;
    const { onEnd } = this.#options;
    attempt("the end of a request could not be recorded", () => {
      if (!this.#span.isRecording()) return;
      recordResponse(this.#span, this.context, response, this.#options, this.#time());
    });
    if (onEnd !== undefined) {
      const { statusCode, failure } = response;
      const end = { statusCode, route: this.#route, error: failure?.error, request };
      contextApi.with(this.context, () =>
        callHook("`onEnd`", () => onEnd(this.#span, end) as unknown),
      );
    }
    this.#scope.close({ clientLeft });
    this.#endSpan(clientLeft ? "cancelled" : response.unread === true ? "abandoned" : undefined);
  }

  get #span(): Span {
    return this.#owner.span;
  }

  get #handle(): SpanHandle | undefined {
    return "clock" in this.#owner ? this.#owner : undefined;
  }

  get #adopted(): AdoptableSpan | undefined {
    return "clock" in this.#owner ? undefined : this.#owner;
  }

  /** Whether anybody asks for the route. A metric of the span's owner does, also for a span that no sampler wanted. */
  get #isWatched(): boolean {
    return (
      this.#span.isRecording() ||
      this.#adopted?.metadata !== undefined ||
      this.#options.onEnd !== undefined
    );
  }

  #time(): TimeInput | undefined {
    return this.#handle?.clock.now();
  }

  #record(answer: Answer<R>): void {
    const span = this.#span;
    const route = this.#routeOf(answer);
    this.#route = route;
    const metadata = this.#adopted?.metadata;
    if (metadata !== undefined && route !== undefined) metadata.route = route;
    if (!span.isRecording()) return;

    if (route !== undefined) span.setAttribute(HTTP_ROUTE, route);
    const name = this.#nameOf(route, answer);
    if (name !== this.#method) span.updateName(name);
    const { responseHeaders = [] } = this.#options;
    if (responseHeaders.length === 0) return;
    span.setAttributes(headerAttributes("http.response.header", responseHeaders, answer.header));
  }

  #routeOf({ request, route }: Answer<R>): string | undefined {
    const option = this.#options.route;
    const stated =
      this.#scope.route ??
      textOrNone(option && callHook("`route`", () => option(request))) ??
      textOrNone(this.#routeOnSpan()) ??
      attempt("the route of a request could not be found", route);
    return bounded(stated);
  }

  /** What the application itself has written on the span. On another instrumentation's it may be what that has guessed. */
  #routeOnSpan(): unknown {
    return this.adopted ? undefined : spanAttributes(this.#span)[HTTP_ROUTE];
  }

  #nameOf(route: string | undefined, { request }: Answer<R>): string {
    const { spanName } = this.#options;
    const method = this.#method;
    const stated = textOrNone(
      spanName && callHook("`spanName`", () => spanName({ method, route, request })),
    );
    if (stated !== undefined) return bounded(stated);
    return route === undefined ? method : `${method} ${route}`;
  }

  #endSpan(outcome: Outcome | undefined): void {
    const handle = this.#handle;
    if (handle !== undefined) handle.end(outcome);
    else if (outcome !== undefined && this.#span.isRecording()) {
      this.#span.setAttribute(WAYBILL_OUTCOME, outcome);
    }
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
