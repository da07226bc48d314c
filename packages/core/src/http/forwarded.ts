import type { HttpRequest } from "./http-request.ts";

type Forwarded = Pick<HttpRequest, "clientAddress" | "scheme" | "host">;

const HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] as const;
const MAX_LENGTH = 4096;

/**
 * The request as its client sent it, by what the trusted proxies say. If it has both kinds of headers and they name
 * different clients, or if one of more than 4096 characters is among them, none is believed.
 *
 * @param trustProxy How many proxies are trusted; `true` trusts all.
 * @see https://www.rfc-editor.org/rfc/rfc7239
 */
export function asForwarded(request: HttpRequest, trustProxy: boolean | number): HttpRequest {
  const hops = trustProxy === true ? Infinity : Number(trustProxy);
  if (hops === 0) return request;

  const lists = HEADERS.map((name) => request.header(name));
  if (lists.some((list) => list !== undefined && list.length > MAX_LENGTH)) return request;

  const [standard, addresses, schemes, hosts] = lists;
  const forwarded = fromForwarded(standard, hops);
  const forwardedFor = address(nthFromRight(addresses, hops));
  const isStandard = forwarded !== undefined && addresses === undefined;
  // A proxy sets the one kind of header and may pass the other one on as a client made it up.
  if (forwarded !== undefined && !isStandard && forwarded.clientAddress !== forwardedFor) {
    return request;
  }
  const { clientAddress, scheme, host } = isStandard
    ? forwarded
    : {
        clientAddress: forwardedFor,
        scheme: nthFromRight(schemes, hops),
        host: nthFromRight(hosts, hops),
      };
  return {
    ...request,
    clientAddress: clientAddress ?? request.clientAddress,
    scheme: isScheme(scheme) ? scheme.toLowerCase() : request.scheme,
    host: host ?? request.host,
  };
}

function fromForwarded(text: string | undefined, hops: number): Partial<Forwarded> | undefined {
  const element = nthFromRight(text, hops);
  if (element === undefined) return undefined;
  const members = new Map<string, string>();
  for (const pair of element.split(";")) {
    const equals = pair.indexOf("=");
    const value = pair.slice(equals + 1).trim();
    members.set(pair.slice(0, equals).trim().toLowerCase(), value.replaceAll(/^"|"$/g, ""));
  }
  return {
    clientAddress: address(members.get("for")),
    ...(members.has("proto") && { scheme: members.get("proto") as string }),
    host: members.get("host"),
  };
}

/** The n-th entry of a list from the right; the first one, if there are fewer. */
function nthFromRight(list: string | undefined, n: number): string | undefined {
  const entries = (list ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return entries[Math.max(0, entries.length - n)];
}

/** An address without its port; none, if the proxy hides it. */
function address(node: string | undefined): string | undefined {
  const match = /^(?:\[([\da-f:.]+)\](?::\d+)?|([\d.]+)(?::\d+)?|([\da-f:.]*:[\da-f:.]*))$/i.exec(
    node ?? "",
  );
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

function isScheme(text: string | undefined): text is string {
  return /^https?$/i.test(text ?? "");
}
