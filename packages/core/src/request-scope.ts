import { createContextKey } from "@opentelemetry/api";
import type { Attributes, Context, Span } from "@opentelemetry/api";

import { cleanIdentity, identityAttributes, mergeIdentity } from "./identity.ts";
import type { Identity, IdentityAttributes } from "./identity.ts";
import { attempt } from "./report-failure.ts";

const REQUEST_SCOPE = createContextKey("waybill request scope");

/** An identity together with the attributes it writes, computed once. */
export interface ResolvedIdentity {
  readonly identity: Identity;
  readonly attributes: IdentityAttributes;
}

/** Something open within a request that wants to hear when its client leaves. */
export interface ScopeMember {
  /** The client left: whoever works for no other reader ends now, as cancelled. */
  clientLeft(): void;
}

/**
 * What belongs to one request: its identity, which may still change, and the operations open under it.
 *
 * An HTTP adapter opens it before the application runs and closes it when the response is over.
 */
export class RequestScope {
  readonly serverSpan: Span;
  #resolved: ResolvedIdentity;
  #clientLeft = false;
  readonly #members = new Set<ScopeMember>();

  constructor(serverSpan: Span, identity: Identity) {
    this.serverSpan = serverSpan;
    this.#resolved = resolved(identity);
  }

  /** The request's identity as it is now. A new object after every change. */
  get identity(): ResolvedIdentity {
    return this.#resolved;
  }

  /** Whether the client left before the response was complete. */
  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** Lays more identity over what is known; it holds for every span started from now on, and for the SERVER span. */
  setIdentity(patch: Identity): void {
    this.#resolved = resolved(mergeIdentity(this.#resolved.identity, cleanIdentity(patch)));
    this.serverSpan.setAttributes(serverSpanAttributes(this.#resolved));
  }

  add(member: ScopeMember): void {
    this.#members.add(member);
  }

  remove(member: ScopeMember): void {
    this.#members.delete(member);
  }

  /** The response is over. If the client left before it was complete, the operations still open hear of it. */
  close({ clientLeft }: { readonly clientLeft: boolean }): void {
    this.#clientLeft = clientLeft;
    if (!clientLeft) return;
    for (const member of this.#members) {
      attempt("an operation could not be told that its client left", () => member.clientLeft());
    }
  }
}

/** What an identity writes on the SERVER span, which is no GenAI span. */
export function serverSpanAttributes({ attributes }: ResolvedIdentity): Attributes {
  return attributes.all;
}

/** The request that this context belongs to. */
export function requestScope(context: Context): RequestScope | undefined {
  return context.getValue(REQUEST_SCOPE) as RequestScope | undefined;
}

/** A context inside `scope`. */
export function contextWithRequestScope(context: Context, scope: RequestScope): Context {
  return context.setValue(REQUEST_SCOPE, scope);
}

function resolved(identity: Identity): ResolvedIdentity {
  return { identity, attributes: identityAttributes(identity) };
}
