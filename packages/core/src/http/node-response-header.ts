import type { NodeResponse } from "./node-exchange.ts";

/**
 * A header of a response that has been sent or is about to be. Node keeps headers that were given to `writeHead` only in
 * the form in which they were sent.
 */
export function nodeResponseHeader(
  outgoing: NodeResponse,
  name: string,
): string | readonly string[] | undefined {
  const value = outgoing.getHeader(name);
  if (value !== undefined) return Array.isArray(value) ? value.map(String) : String(value);
  const { _header: head } = outgoing;
  const lines = (head ?? "").split("\r\n").slice(1);
  const sent = lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return line.slice(0, colon).toLowerCase() === name ? [line.slice(colon + 1).trim()] : [];
  });
  return sent.length === 0 ? undefined : sent;
}
