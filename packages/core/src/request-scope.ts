import { createContextKey } from "@opentelemetry/api";
import type { Context, Span } from "@opentelemetry/api";

import type { CaptureContent } from "./content-policy.ts";
import { cleanIdentity, identityAttributes, mergeIdentity } from "./identity.ts";
import type { Identity, IdentityAttributes } from "./identity.ts";
import type { Outcome } from "./open-operation.ts";
import { processState } from "./process-state.ts";
import { attempt } from "./report-failure.ts";
import { spanAttributes } from "./span-attributes.ts";

const REQUEST_SCOPE = createContextKey("waybill request scope");
const DEFAULT_GRACE_MS = 60_000;

/** An identity together with the attributes it writes, computed once. */
export interface ResolvedIdentity {
  readonly identity: Identity;
  readonly attributes: IdentityAttributes;
}

/** An operation that is open within a request. */
export interface ScopeMember {
  /** The operation around it, if there is one. */
  readonly outer: object | undefined;

  readonly ended: boolean;

  /** Grows with whatever happens in the operation itself. */
  readonly activity: number;

  /** The client left: whoever works for no other reader ends now, as cancelled. */
  clientLeft(): void;

  end(outcome: Outcome): void;
}

/**
 * What belongs to one request: its identity, which may still change, and the operations open under it.
 *
 * An HTTP adapter opens it before the application runs and closes it when the response is over.
 */
export class RequestScope {
  readonly serverSpan: Span;

  /** Which content is recorded on the request's operations that do not say it themselves. */
  readonly captureContent: CaptureContent | undefined;

  /** The route's template, if the application says it itself. */
  route: string | undefined;
  #resolved: ResolvedIdentity;
  #clientLeft = false;
  #isClosed = false;
  #isSweeping = false;
  readonly #members = new Set<ScopeMember>();

  /** What the SERVER span says because of the identity. */
  readonly #stamped = new Set<string>();

  constructor(serverSpan: Span, identity: Identity, captureContent?: CaptureContent) {
    this.serverSpan = serverSpan;
    this.captureContent = captureContent;
    this.#resolved = resolved(identity);
    this.#stampServerSpan();
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
    this.#stampServerSpan();
  }

  add(member: ScopeMember): void {
    this.#members.add(member);
    if (this.#isClosed) this.#sweepLater();
  }

  remove(member: ScopeMember): void {
    this.#members.delete(member);
  }

  /**
   * The response is over. If the client left before it was complete, the operations still open hear of it. Those at work
   * end by themselves; what shows no activity for `graceMs` (a setting, 60 s by default; looked at as often as that) is
   * ended: as `cancelled` if the client left, else as `abandoned`.
   */
  close({ clientLeft }: { readonly clientLeft: boolean }): void {
    this.#clientLeft = clientLeft;
    this.#isClosed = true;
    if (clientLeft) {
      for (const member of this.#members) {
        attempt("an operation could not be told that its client left", () => member.clientLeft());
      }
    }
    this.#sweepLater();
  }

  /** Writes the identity on the SERVER span, which is no GenAI span. What that says of the request stays as it is. */
  #stampServerSpan(): void {
    const present = spanAttributes(this.serverSpan);
    for (const [key, value] of Object.entries(this.#resolved.attributes.all)) {
      const isFree = this.#stamped.has(key) || present[key] === undefined;
      if (!isFree || value === undefined) continue;
      this.#stamped.add(key);
      this.serverSpan.setAttribute(key, value);
    }
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    for (const member of this.#members) if (member.ended) this.#members.delete(member);
    if (this.#members.size === 0) return;
    this.#isSweeping = true;
    const seen = new Map([...this.#members].map((member) => [member, member.activity]));
    const timer: unknown = setTimeout(
      () => attempt("idle operations could not be ended", () => this.#sweep(seen)),
      processState().settings.graceMs ?? DEFAULT_GRACE_MS,
    );
    (timer as { unref?: () => void }).unref?.();
  }

  #sweep(seen: ReadonlyMap<ScopeMember, number>): void {
    this.#isSweeping = false;
    const outcome = this.#clientLeft ? "cancelled" : "abandoned";
    for (const member of this.#idleMembers(seen)) member.end(outcome);
    this.#sweepLater();
  }

  /** The members in which nothing has happened since, nor in any operation inside them; inner ones first. */
  #idleMembers(seen: ReadonlyMap<ScopeMember, number>): ScopeMember[] {
    const atWork = new Set<object | undefined>();
    return [...this.#members].toReversed().filter((member) => {
      if (!atWork.has(member) && seen.get(member) === member.activity) return true;
      atWork.add(member.outer);
      return false;
    });
  }
}

/** The request that this context belongs to. */
export function requestScope(context: Context): RequestScope | undefined {
  return context.getValue(REQUEST_SCOPE) as RequestScope | undefined;
}

/** A context inside `scope`. */
export function contextWithRequestScope(context: Context, scope: RequestScope): Context {
  return context.setValue(REQUEST_SCOPE, scope);
}

/** A context outside any request. */
export function contextWithoutRequestScope(context: Context): Context {
  return context.deleteValue(REQUEST_SCOPE);
}

function resolved(identity: Identity): ResolvedIdentity {
  return { identity, attributes: identityAttributes(identity) };
}
