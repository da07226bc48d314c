import {
  context as contextApi,
  defaultTextMapSetter,
  propagation,
  trace,
} from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";

import { checkOptions } from "../check-options.ts";
import { hostMatcher } from "../otel/host-matcher.ts";
import { contextWithHeadersWritten, contextWithOutgoingRequest } from "../otel/outgoing-request.ts";
import { isTracingSuppressed } from "../otel/suppressed.ts";
import { attempt } from "../report-failure.ts";

/** Options of {@link propagationHeaders} and {@link propagatingFetch}. */
export interface PropagationOptions {
  /**
   * The hosts that baggage, which may say who the user is, may be sent to: names and addresses (`orders.internal`,
   * `10.0.0.7`), or `*.example.com` for every subdomain of a domain. The trace goes to everybody.
   *
   * @default only those that `allowHosts` of `startTracing` or of `guardBaggage` lists, which are always allowed
   */
  readonly allowHosts?: readonly string[];
}

type Fetch = typeof globalThis.fetch;
type FetchArguments = Parameters<Fetch>;
type RequestHeaders = NonNullable<RequestInit["headers"]>;
type HostMatcher = (host: string) => boolean;

const TRACEPARENT = "traceparent";

/**
 * The headers that carry the active trace to `url`, by the registered propagator: `traceparent`, `tracestate` where
 * there is one, and `baggage` if the host is allowed to have it. For HTTP clients that no instrumentation of
 * OpenTelemetry's knows; a request that has such headers already should get no second ones.
 *
 * Empty where there is no active span and no baggage to send, where no propagator is registered, and where tracing is
 * suppressed. A relative URL has no host, and gets no baggage.
 *
 * @throws TypeError naming the option, if one is unknown or not of the form described.
 *
 * @example
 * ```ts
 * import { request } from "node:https";
 *
 * import { propagationHeaders } from "@waybill/core/http";
 *
 * const url = "https://orders.internal/A-1";
 * request(url, { headers: { accept: "application/json", ...propagationHeaders(url) } }).end();
 * ```
 */
export function propagationHeaders(
  url: string | URL,
  options: PropagationOptions = {},
): Record<string, string> {
  const isAllowed = allowedHosts("propagationHeaders", options);
  return headersFor(String(url), isAllowed, contextApi.active());
}

/**
 * A `fetch` that takes the active trace along, and the baggage to allowed hosts, in the headers that
 * {@link propagationHeaders} gives. It makes no span.
 *
 * It is the given `fetch` in all else: what it returns and throws, the forms of its arguments, its own members. The
 * arguments are not changed. A header that a request has already stays as it is, and a request with a `traceparent`
 * gets nothing at all.
 *
 * Beside an instrumentation of `fetch`, which adds headers of its own, there is no need for it. Under the propagators of
 * `@waybill/core/otel` the headers stay single there, too, and name the span that was active when this was called; under
 * other propagators they are doubled, and the receiver begins a new trace. A redirect takes the headers of its request
 * along, baggage included: allow no host that redirects to one that must not have it.
 *
 * @param fetch The `fetch` to call.
 * @throws TypeError naming the option, if one is unknown or not of the form described.
 *
 * @example
 * ```ts
 * import { propagatingFetch } from "@waybill/core/http";
 *
 * const fetch = propagatingFetch(globalThis.fetch, { allowHosts: ["orders.internal"] });
 * const response = await fetch("https://orders.internal/A-1");
 * console.log(response.status);
 * ```
 */
export function propagatingFetch<F extends Fetch = Fetch>(
  fetch: F = globalThis.fetch as F,
  options: PropagationOptions = {},
): F {
  if (typeof fetch !== "function") {
    throw new TypeError(`propagatingFetch: \`fetch\` must be a function, got ${typeof fetch}`);
  }
  const isAllowed = allowedHosts("propagatingFetch", options);
  return new Proxy(fetch, {
    apply(target, self: unknown, args: FetchArguments) {
      const active = contextApi.active();
      const sent = attempt("the trace could not be added to a request", () =>
        withTrace(args, isAllowed, active),
      );
      const send = (): unknown => Reflect.apply(target, self, sent ?? args);
      const isWritten = sent !== undefined && trace.getSpanContext(active) !== undefined;
      return isWritten ? contextApi.with(contextWithHeadersWritten(active), send) : send();
    },
  });
}

function allowedHosts(owner: string, options: PropagationOptions): HostMatcher {
  checkOptions(owner, options, { allowHosts: "array of strings" });
  return hostMatcher(owner, "allowHosts", options.allowHosts ?? []);
}

function headersFor(
  url: string,
  isAllowedHost: HostMatcher,
  context: Context,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (isTracingSuppressed(context)) return headers;
  attempt("the trace headers of a request could not be written", () => {
    const host = URL.canParse(url) ? new URL(url).hostname : undefined;
    const isAllowed = host !== undefined && isAllowedHost(host);
    const baggage = propagation.getBaggage(context);
    const request = { host, isAllowed, baggage };
    propagation.inject(
      contextWithOutgoingRequest(isAllowed ? context : propagation.deleteBaggage(context), request),
      headers,
      defaultTextMapSetter,
    );
  });
  return headers;
}

/** The arguments of `fetch` with the trace headers in them; nothing if there are none to send. */
function withTrace(
  [input, init, ...others]: FetchArguments,
  isAllowed: HostMatcher,
  context: Context,
): FetchArguments | undefined {
  // What `fetch` refuses is for it to refuse.
  if (input === undefined || typeof (init ?? {}) !== "object") return undefined;
  const [url, ownHeaders = {}] =
    typeof input === "object" && "headers" in input ? [input.url, input.headers] : [String(input)];
  const headers = Object.entries(headersFor(url, isAllowed, context));
  if (headers.length === 0) return undefined;

  // Those of `init` stand in for a request's own. Some can be read only once.
  const { headers: given = ownHeaders } = init ?? {};
  const known = isList(given) ? [...given] : given;
  const names = new Set(namesIn(known).map((name) => name.toLowerCase()));
  const added = names.has(TRACEPARENT)
    ? []
    : headers.filter(([name]) => !names.has(name.toLowerCase()));
  return [input, { ...membersOf(init), headers: withHeaders(known, added) }, ...others];
}

/** The given headers and some more, in the form in which they were given: a `fetch` may rely on it. */
function withHeaders(headers: RequestHeaders, added: readonly [string, string][]): RequestHeaders {
  if (headers instanceof Headers) {
    const all = new Headers(headers);
    for (const [name, value] of added) all.set(name, value);
    return all;
  }
  return isList(headers) ? [...headers, ...added] : { ...headers, ...Object.fromEntries(added) };
}

function namesIn(headers: RequestHeaders): readonly string[] {
  if (headers instanceof Headers) return [...headers.keys()];
  return isList(headers) ? headers.map(([name]) => name) : Object.keys(headers);
}

function isList(headers: RequestHeaders): headers is [string, string][] {
  return Symbol.iterator in headers && !(headers instanceof Headers);
}

/** What `init` says, inherited members included: it may be a request. */
function membersOf(init: RequestInit | undefined): RequestInit {
  const members: Record<string, unknown> = {};
  // oxlint-disable-next-line guard-for-in -- inherited members count
  for (const name in init) members[name] = init[name as keyof RequestInit];
  return members;
}
