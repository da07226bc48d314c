import type { Span } from "@opentelemetry/api";

import type { CaptureContent } from "../content-policy.ts";
import type { Identity } from "../identity.ts";

/** What the trace headers of a request are worth. */
export type Trust = "continue" | "link" | "ignore";

/** How an ordinary response, or an event stream, ends whose client leaves. */
export type ClientAbortStatus = "error" | "unset";

/**
 * The options of both `traceMiddleware`s.
 *
 * No function among them can fail a request: one that throws, or gives something else than it should, a promise
 * included, is told to `diag`, and the default holds.
 *
 * @typeParam R The framework's own object for a request: Express's `req`, Hono's `c`.
 */
export interface TraceMiddlewareOptions<R> {
  /**
   * What the trace headers of a request are worth: `"continue"` its caller's trace; begin a new one with a `"link"` to
   * the caller's span; or `"ignore"` them. With `"link"` and `"ignore"`, `tracestate` and all baggage are dropped. For a
   * function that fails, `"ignore"` holds.
   *
   * Of a request that another instrumentation has taken in already (see `adopt`), the trace is what that has made it;
   * `trust` then governs baggage and identity only.
   *
   * @default "continue"
   */
  readonly trust?: Trust | ((request: R) => Trust);

  readonly baggage?: BaggageOptions;

  /**
   * Says whose request it is, from what is known at the door: a header set by a trusted proxy, say. Called once for
   * each request, before any other middleware. What is known only after authentication is set with `setIdentity`.
   *
   * @default nobody is known at the door
   */
  readonly identify?: (request: R) => Identity | undefined;

  /**
   * The requests that are passed on as if this middleware were not there: those to these exact paths (without the
   * query), or those that the function says `true` for. What they start belongs to whatever is active, or is a trace of
   * its own.
   *
   * @default none
   */
  readonly ignore?: readonly string[] | ((request: R) => boolean);

  /**
   * Gives a request's route template, once it has been answered, in place of the router's. `setRoute` goes before it.
   *
   * @default the template of the route that answered
   */
  readonly route?: (request: R) => string | undefined;

  /**
   * Gives the span's name, once the request has been answered; cut at 2048 characters. Give few distinct ones.
   *
   * @default method and route template; the method alone where there is no route
   */
  readonly spanName?: (info: SpanNameInfo<R>) => string;

  /**
   * The request headers that are recorded, each as `http.request.header.<name>`. Values pass the redactors.
   *
   * @default []
   */
  readonly requestHeaders?: readonly string[];

  /**
   * The response headers that are recorded, each as `http.response.header.<name>`. Values pass the redactors.
   *
   * @default []
   */
  readonly responseHeaders?: readonly string[];

  /**
   * Whether `authorization`, `proxy-authorization`, `cookie` and `set-cookie` may be among the recorded headers.
   *
   * @default false
   */
  readonly allowSensitiveHeaders?: boolean;

  /**
   * What is recorded of the query: its keys, each value replaced by `REDACTED`; nothing (`"drop"`); the values, too
   * (`"keep"`), or those of some keys. Values of keys that name credentials (`token`, `api_key`, `password`, `code`,
   * `X-Amz-Signature`, …), and values that a redactor finds something in, are replaced all the same.
   *
   * @default "redact"
   */
  readonly query?: "redact" | "drop" | "keep" | { readonly keep: readonly string[] };

  /**
   * Gives what is recorded of a path that may hold something private. If it fails, no path is recorded.
   *
   * @default the path as it was sent
   */
  readonly scrubPath?: (path: string) => string;

  /**
   * How many proxies stand before this service whose `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded`, are
   * believed: of these lists the n-th entry from the right counts, which no client can forge. `false` believes none;
   * `true` believes the leftmost entry, which is right only if the first proxy replaces what a client sent. If both
   * kinds of headers come and name different clients, neither is believed.
   *
   * @default Express: as its own setting `trust proxy` says; Hono: false
   */
  readonly trustProxy?: boolean | number;

  /**
   * Whether the exception event of an error that reached the request stands on the SERVER span. Status and `error.type`
   * always do.
   *
   * @default true
   */
  readonly recordException?: boolean | ((error: unknown) => boolean);

  /**
   * Whether it is an error (`client_disconnected`) when the client leaves before the response is complete.
   * `waybill.outcome` is `cancelled` either way.
   *
   * @default "error" for an ordinary response, "unset" for an event stream
   */
  readonly clientAbort?: ClientAbortStatus | ((abort: ClientAbort) => ClientAbortStatus);

  /**
   * Whether the response tells its trace in a header, `Server-Timing: trace;desc="00-…"`, for a page that traces itself.
   * In Express it is there before the handlers run: one that sets the header, and does not append to it, replaces it.
   *
   * @default false
   */
  readonly serverTiming?: boolean;

  /**
   * Which content is recorded on the operations of a request. An operation's own setting goes before it.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent;

  /**
   * Whether the SERVER span that another instrumentation has started for the request is taken (`"auto"`) instead of one
   * of our own below it: renamed, and given route, identity, error and outcome. It is ended by its owner, who may write
   * some of it anew then.
   *
   * @default "auto"
   */
  readonly adopt?: "auto" | "never";

  /** Called when the span has started, in the context of the request. Nothing waits for it. */
  readonly onStart?: (span: Span, request: R) => void;

  /** Called when the response is over, before the span ends. Nothing waits for it. */
  readonly onEnd?: (span: Span, end: RequestEnd<R>) => void;
}

/** What is let in of the W3C baggage of a request. */
export interface BaggageOptions {
  /**
   * The keys of the incoming W3C baggage that are let in. `user.id`, `session.id` and the other names of the identity
   * become identity; any other key becomes an attribute of that name on every span. Keys that are not listed are
   * removed from the baggage. A key in another namespace of the semantic conventions (`http.route`) is refused.
   *
   * @default []
   */
  readonly accept?: readonly string[];

  /**
   * The most members that are let in; of more, those that `accept` lists first.
   *
   * @default 16
   */
  readonly maxMembers?: number;

  /**
   * The most bytes (UTF-8) that the keys and values let in may have together. A member that does not fit is left out.
   *
   * @default 8192
   */
  readonly maxBytes?: number;

  /**
   * The most characters that a value may have. A member with a longer one is left out.
   *
   * @default 256
   */
  readonly maxValueLength?: number;
}

/** What a span may be named by. */
export interface SpanNameInfo<R> {
  /** `HTTP` for a method that is not known. */
  readonly method: string;
  readonly route?: string | undefined;
  readonly request: R;
}

/** A client that left before its response was complete. */
export interface ClientAbort {
  readonly eventStream: boolean;

  /** The status code, if the response's headers had been sent. */
  readonly statusCode?: number | undefined;
}

/** How a request ended, for `onEnd`. */
export interface RequestEnd<R> {
  /** The status code, if one was sent. */
  readonly statusCode: number | undefined;
  readonly route: string | undefined;

  /** What the application, or the response's stream, failed with. */
  readonly error: unknown;

  /** Undefined only where a response was collected as garbage that nobody ever read. */
  readonly request: R | undefined;
}
