import { checkOptions } from "../check-options.ts";
import type { Identity } from "../identity.ts";
import { checkBaggageKeys } from "./check-baggage-keys.ts";

/**
 * The options of both `traceMiddleware`s.
 *
 * @typeParam R The framework's own object for a request.
 */
export interface TraceMiddlewareOptions<R> {
  /**
   * Says whose request it is, from what is known at the door: a header set by a trusted proxy, say. Called once for
   * each request, before any other middleware. What is known only after authentication is set with `setIdentity`.
   *
   * @default nobody is known at the door
   */
  readonly identify?: (request: R) => Identity | undefined;

  readonly baggage?: {
    /**
     * The keys of the incoming W3C baggage that are let in. `user.id`, `session.id` and the other names of the identity
     * become identity; any other key becomes an attribute of that name on every span. Keys that are not listed are
     * removed from the baggage. A key in another namespace of the semantic conventions (`http.route`) is refused.
     *
     * @default []
     */
    readonly accept?: readonly string[];
  };
}

/**
 * Checks the options that a user gave to `traceMiddleware`.
 *
 * @throws TypeError naming the option, if one is unknown or of the wrong type, or a baggage key that cannot be accepted.
 */
export function checkMiddlewareOptions(options: TraceMiddlewareOptions<never>): void {
  checkOptions("traceMiddleware", options, { identify: "function", baggage: "object" });
  if (options.baggage !== undefined) {
    checkOptions("traceMiddleware `baggage`", options.baggage, { accept: "array of strings" });
    checkBaggageKeys("traceMiddleware `baggage`", "accept", options.baggage.accept ?? []);
  }
}
