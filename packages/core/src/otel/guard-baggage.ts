import { propagation } from "@opentelemetry/api";
import type { BaggageEntry, Context, TextMapPropagator } from "@opentelemetry/api";

import { checkOptions } from "../check-options.ts";
import { checkBaggageKeys } from "../http/check-baggage-keys.ts";
import { resolveIdentity } from "../identity-context.ts";
import { attempt } from "../report-failure.ts";
import { hostMatcher } from "./host-matcher.ts";
import { areHeadersWritten, outgoingRequest } from "./outgoing-request.ts";
import { peerHost } from "./peer-host.ts";

/** Options of {@link guardBaggage}. */
export interface GuardBaggageOptions {
  /**
   * The hosts that baggage may be sent to: names and addresses (`orders.internal`, `10.0.0.7`), in any case of their
   * letters, or `*.example.com` for every subdomain of a domain. `[]` stops all of it.
   */
  readonly allowHosts: readonly string[];

  /**
   * What of the identity is sent along as baggage: `user.id`, `session.id`, `gen_ai.conversation.id`,
   * `gen_ai.agent.name`, `waybill.agent.version`, `waybill.agent.config_id`, or the key of one of its entries. What the
   * baggage holds already under such a key is sent instead.
   *
   * @default []
   */
  readonly identityKeys?: readonly string[];
}

/**
 * A propagator that behaves as the given one, but sends baggage, which may say who the user is, to allowed hosts only.
 *
 * Whom a request goes to is read from the active span, which HTTP instrumentations start before they ask for headers:
 * from its `server.address`, else `net.peer.name`, else `url.full`. Where it does not say (the span is not recorded, or
 * is the SERVER span of the request being answered), no baggage is sent. The trace context is sent to everybody.
 * `propagationHeaders` and `propagatingFetch` of `@waybill/core/http` say themselves whom a request goes to.
 *
 * @throws TypeError naming the option, if one is unknown, missing, or not of the form described.
 *
 * @example
 * ```ts
 * import { guardBaggage, StrictW3CPropagator } from "@waybill/core/otel";
 *
 * export const propagator = guardBaggage(new StrictW3CPropagator(), {
 *   allowHosts: ["orders.internal", "*.agents.example.com"],
 *   identityKeys: ["user.id", "session.id"],
 * });
 * ```
 */
export function guardBaggage(
  propagator: TextMapPropagator,
  options: GuardBaggageOptions,
): TextMapPropagator {
  checkOptions("guardBaggage", options, {
    allowHosts: "array of strings",
    identityKeys: "array of strings",
  });
  const { allowHosts, identityKeys = [] } = options;
  if (allowHosts === undefined) {
    throw new TypeError("guardBaggage: option `allowHosts` is required");
  }
  const isAllowed = hostMatcher("guardBaggage", "allowHosts", allowHosts);
  checkBaggageKeys("guardBaggage", "identityKeys", identityKeys);

  return {
    inject(context, carrier, setter) {
      if (areHeadersWritten(context)) return;
      const outgoing = attempt("baggage could not be prepared; none was sent", () => {
        const request = outgoingRequest(context);
        const host = request === undefined ? peerHost(context) : request.host;
        if (request?.isAllowed !== true && (host === undefined || !isAllowed(host))) {
          return undefined;
        }
        const withBaggage =
          request?.baggage === undefined
            ? context
            : propagation.setBaggage(context, request.baggage);
        return contextWithIdentityBaggage(withBaggage, identityKeys);
      });
      propagator.inject(outgoing ?? contextWithoutBaggage(context), carrier, setter);
    },
    extract: (context, carrier, getter) => propagator.extract(context, carrier, getter),
    fields: () => propagator.fields(),
  };
}

function contextWithIdentityBaggage(context: Context, keys: readonly string[]): Context {
  const { all, genAi } = resolveIdentity(context).attributes;
  const identity = { ...all, ...genAi };
  const stated: [string, BaggageEntry][] = keys.flatMap((key) => {
    const value = identity[key];
    return typeof value === "string" ? [[key, { value }]] : [];
  });
  if (stated.length === 0) return context;

  const known = propagation.getBaggage(context)?.getAllEntries() ?? [];
  const entries = Object.fromEntries([...stated, ...known]);
  return propagation.setBaggage(context, propagation.createBaggage(entries));
}

function contextWithoutBaggage(context: Context): Context {
  return propagation.getBaggage(context) === undefined
    ? context
    : propagation.deleteBaggage(context);
}
