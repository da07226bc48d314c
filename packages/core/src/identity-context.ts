import { context as contextApi, createContextKey } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { cleanIdentity, identityAttributes, mergeIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { attempt, reportFailure } from "./report-failure.ts";
import { contextWithoutRequestScope, requestScope } from "./request-scope.ts";
import type { ResolvedIdentity } from "./request-scope.ts";

const IDENTITY_LAYER = createContextKey("waybill identity");
const NOBODY: ResolvedIdentity = { identity: {}, attributes: { all: {}, genAi: {} } };

/**
 * Says whose request this is, from anywhere inside it: after authentication, or once the session is known.
 *
 * What is given is laid over what is known, goes onto the SERVER span, and holds for every span of the request started
 * from then on, but for what {@link withIdentity} says otherwise there. Outside a request there is nothing to hold it: it is reported to `diag` and ignored, see
 * {@link withIdentity}. Never throws.
 *
 * @example
 * ```ts
 * import { setIdentity } from "@waybill/core";
 *
 * export function authenticated(user: { id: string }, sessionId: string): void {
 *   setIdentity({ userId: user.id, sessionId, agent: { version: "2026-11", configId: "support-v3" } });
 * }
 * ```
 */
export function setIdentity(identity: Identity): void {
  attempt("the identity could not be set", () => {
    const scope = requestScope(contextApi.active());
    if (scope === undefined) {
      reportFailure(
        "`setIdentity` was called outside a request and had no effect; use `withIdentity`",
      );
      return;
    }
    scope.setIdentity(identity);
  });
}

/** Runs `fn` with more identity laid over the current one: for jobs, scripts and queues, where there is no request. */
export function withIdentity<T>(identity: Identity, fn: () => T): T {
  return contextApi.with(contextWithIdentity(contextApi.active(), identity), fn);
}

/**
 * Runs `fn` outside the request it is called in: what it starts belongs to the same trace and to the identity as it is
 * now, but the end of the response does not concern it. For background work that a request sets off.
 */
export function detach<T>(fn: () => T): T {
  const active = contextApi.active();
  const { identity } = resolveIdentity(active);
  return contextApi.with(contextWithIdentity(contextWithoutRequestScope(active), identity), fn);
}

/** The identity that a span started here would carry. */
export function currentIdentity(): Identity {
  return resolveIdentity(contextApi.active()).identity;
}

/** A context with more identity laid over what `context` knows. */
export function contextWithIdentity(context: Context, identity: Identity): Context {
  const patch = attempt("an identity could not be read", () => cleanIdentity(identity));
  if (patch === undefined) return context;
  const whole = identityLayer(context)?.patchedWith(patch) ?? patch;
  return context.setValue(IDENTITY_LAYER, new IdentityLayer(whole));
}

/** A context that has forgotten what {@link contextWithIdentity} laid over it. */
export function contextWithoutIdentity(context: Context): Context {
  return context.deleteValue(IDENTITY_LAYER);
}

/** The identity in force in a context: the request's, with the layers of {@link contextWithIdentity} over it. */
export function resolveIdentity(context: Context): ResolvedIdentity {
  const base = requestScope(context)?.identity ?? NOBODY;
  return identityLayer(context)?.over(base) ?? base;
}

function identityLayer(context: Context): IdentityLayer | undefined {
  return context.getValue(IDENTITY_LAYER) as IdentityLayer | undefined;
}

/** Identity laid over the request's, resolved once for each version of that. */
class IdentityLayer {
  readonly #patch: Identity;
  #base: ResolvedIdentity | undefined;
  #resolved: ResolvedIdentity = NOBODY;

  constructor(patch: Identity) {
    this.#patch = patch;
  }

  /** What this layer lays over a request's identity, with more laid over it. */
  patchedWith(patch: Identity): Identity {
    return mergeIdentity(this.#patch, patch);
  }

  over(base: ResolvedIdentity): ResolvedIdentity {
    if (this.#base !== base) {
      const identity = mergeIdentity(base.identity, this.#patch);
      this.#resolved = { identity, attributes: identityAttributes(identity) };
      this.#base = base;
    }
    return this.#resolved;
  }
}
