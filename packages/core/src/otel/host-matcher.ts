const HOST_NAME = /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*$/;
const IPV6_ADDRESS = /^\[?(?=.*:.*:)[\da-f:.]+\]?$/i;

/**
 * A function that says whether a host is one of `patterns`, in any case of its letters.
 *
 * @param owner The function whose option this is, for the message.
 * @param option The option that holds the patterns.
 * @param patterns Host names and addresses (`api.example.com`, `127.0.0.1`, `::1`), or `*.example.com` for all
 * subdomains of a domain and not the domain itself. Without scheme, port and path.
 * @throws TypeError naming the option, if a pattern is something else.
 */
export function hostMatcher(
  owner: string,
  option: string,
  patterns: readonly string[],
): (host: string) => boolean {
  for (const pattern of patterns) {
    if (HOST_NAME.test(pattern) || IPV6_ADDRESS.test(pattern)) continue;
    throw new TypeError(
      `${owner}: option \`${option}\` must list host names without scheme and port, or \`*.\` and a domain, got ${JSON.stringify(pattern)}`,
    );
  }
  const names = new Set(patterns.filter((pattern) => !pattern.startsWith("*.")).map(canonical));
  const domains = patterns
    .filter((pattern) => pattern.startsWith("*."))
    .map((pattern) => canonical(pattern.slice(1)));
  return (host) => {
    const name = canonical(host);
    return names.has(name) || domains.some((domain) => name.endsWith(domain) && name !== domain);
  };
}

/** A host in lower case; an IPv6 address without the brackets that URLs put around it. */
function canonical(host: string): string {
  return host.toLowerCase().replaceAll(/^\[|\]$/g, "");
}
