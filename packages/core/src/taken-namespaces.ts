/** The namespaces that Waybill itself writes in. What somebody else says there could blind or falsify a trace. */
export const WRITTEN_NAMESPACES: ReadonlySet<string> = new Set(
  (
    "client code error exception gen_ai http network otel server service telemetry url user_agent " +
    "waybill"
  ).split(" "),
);

/** The namespace of an attribute's name; empty if it has none. */
export function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf(".")));
}
