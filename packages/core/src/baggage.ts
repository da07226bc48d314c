import { context as contextApi, propagation } from "@opentelemetry/api";

/**
 * Runs `fn` with further entries in the OpenTelemetry baggage, beside those already there.
 *
 * Baggage is for code that reads baggage, here or in the services that the propagator lets it reach; it is no
 * attribute of any span. For what shall stand on spans, see `withIdentity`.
 */
export function withBaggage<T>(entries: Readonly<Record<string, string>>, fn: () => T): T {
  const active = contextApi.active();
  const known = propagation.getBaggage(active)?.getAllEntries() ?? [];
  const baggage = propagation.createBaggage({
    ...Object.fromEntries(known),
    ...Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, { value }])),
  });
  return contextApi.with(propagation.setBaggage(active, baggage), fn);
}
