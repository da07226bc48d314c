import { context as contextApi, ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";

import { resolveIdentity } from "../identity-context.ts";
import { cleanIdentity, mergeIdentity } from "../identity.ts";
import type { Identity } from "../identity.ts";
import { attempt, reportFailure } from "../report-failure.ts";
import { contextWithRequestScope, RequestScope } from "../request-scope.ts";
import { spanAttributes } from "../span-attributes.ts";
import { SpanHandle } from "../span-handle.ts";
import { adoptableSpan } from "./adopted-span.ts";
import type { AdoptableSpan } from "./adopted-span.ts";
import { callHook } from "./call-hook.ts";
import { checkMiddlewareOptions } from "./check-middleware-options.ts";
import { asForwarded } from "./forwarded.ts";
import { adoptedAttributes, requestAttributes } from "./http-request.ts";
import type { HttpRequest, RequestRecording } from "./http-request.ts";
import { knownMethods } from "./known-methods.ts";
import type { TraceMiddlewareOptions, Trust } from "./middleware-options.ts";
import { identityFromBaggage } from "./request-baggage.ts";
import { contextOfAdopted, requestParent } from "./request-parent.ts";
import { OpenRequestSpan } from "./request-span.ts";
import type { RequestSpan, RequestSpanParts } from "./request-span.ts";

/** A request at the door, as an adapter sees it. */
export interface ArrivedRequest<R> {
  /** The framework's own object for it. */
  readonly request: R;

  readonly describe: () => HttpRequest;

  /**
   * Whether the request came over a connection. Then what is active is what was active when its server started, which
   * does not concern it, unless it is the SERVER span of an HTTP instrumentation.
   *
   * @default false: the request is a call within the process, below what is active and with the identity of its caller
   */
  readonly overConnection?: boolean;
}

/**
 * Opens the SERVER spans of requests as the options of a `traceMiddleware` have it. Made once, when the service is set up.
 *
 * @typeParam R The framework's own object for a request.
 */
export class RequestTracer<R> {
  readonly #options: TraceMiddlewareOptions<R>;
  readonly #recording: RequestRecording;

  /** @throws TypeError naming the option, if one is unknown or of the wrong type. */
  constructor(options: TraceMiddlewareOptions<R>) {
    checkMiddlewareOptions(options);
    this.#options = options;
    this.#recording = {
      knownMethods: knownMethods(),
      requestHeaders: options.requestHeaders ?? [],
      query: options.query ?? "redact",
      scrubPath: options.scrubPath,
    };
  }

  /** Whether the proxies before the service are given by the options, and not by the framework. */
  get knowsProxies(): boolean {
    return this.#options.trustProxy !== undefined;
  }

  /** Whether a request is to be passed on as if nobody traced it. */
  ignores(request: R, path: () => string): boolean {
    const { ignore } = this.#options;
    if (ignore === undefined) return false;
    if (typeof ignore !== "function") return ignore.includes(path());
    return callHook("`ignore`", () => ignore(request)) === true;
  }

  /**
   * Opens the SERVER span of a request, or adopts the one that another instrumentation has started for it, and opens the
   * request's scope.
   */
  start({ request, describe, overConnection = false }: ArrivedRequest<R>): RequestSpan<R> {
    const { adopt = "auto", baggage = {}, trustProxy = false, captureContent } = this.#options;
    const described = asForwarded(describe(), trustProxy);
    const active = contextApi.active();
    const outer = adoptableSpan(active);
    const caller = overConnection && outer === undefined ? ROOT_CONTEXT : active;
    const trust = this.#trustIn(request);
    const known = this.#recording.knownMethods.has(described.method);
    const method = known ? described.method : "HTTP";

    let owner: RequestSpanParts["owner"];
    let context;
    if (outer !== undefined && adopt === "auto") {
      context = contextOfAdopted(outer, active, trust, baggage);
      this.#describeAdopted(outer, described);
      owner = outer;
    } else {
      const parent = requestParent(described, caller, trust, baggage);
      owner = new SpanHandle({
        name: method,
        kind: SpanKind.SERVER,
        attributes: this.#attributes(described),
        parent: outer === undefined ? parent.context : trace.setSpan(parent.context, outer.span),
        ...(parent.links.length > 0 && { links: parent.links }),
      });
      context = owner.context;
    }

    const layers = [
      resolveIdentity(caller).identity,
      cleanIdentity(identityFromBaggage(context)),
      this.#statedIdentity(request),
    ];
    const scope = new RequestScope(owner.span, layers.reduce(mergeIdentity), captureContent);
    const inScope = contextWithRequestScope(context, scope);
    const span = new OpenRequestSpan({ method, scope, context: inScope, owner }, this.#options);
    span.started(request);
    return span;
  }

  #attributes(described: HttpRequest): ReturnType<typeof requestAttributes> {
    return (
      attempt("a request could not be described", () =>
        requestAttributes(described, this.#recording),
      ) ?? {}
    );
  }

  #describeAdopted({ span }: AdoptableSpan, described: HttpRequest): void {
    if (!span.isRecording()) return;
    attempt("a request could not be described", () => {
      span.setAttributes(adoptedAttributes(described, this.#recording, spanAttributes(span)));
    });
  }

  #trustIn(request: R): Trust {
    const { trust = "continue" } = this.#options;
    if (typeof trust !== "function") return trust;
    const stated: unknown = callHook("`trust`", () => trust(request));
    if (stated === "continue" || stated === "link" || stated === "ignore") return stated;
    reportFailure("`trust` gave none of its three words; the trace headers were ignored");
    return "ignore";
  }

  #statedIdentity(request: R): Identity {
    const { identify } = this.#options;
    if (identify === undefined) return {};
    const stated = callHook("`identify`", () => identify(request));
    const identity =
      stated && attempt("an identity could not be read", () => cleanIdentity(stated));
    return identity ?? {};
  }
}
