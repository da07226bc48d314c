const VARIABLE = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
const STANDARD_METHODS = "CONNECT,DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT,QUERY,TRACE";

/**
 * The methods that are recorded as they are: the standard ones, or those that the environment variable
 * `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` lists in their place, parted by commas.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function knownMethods(): ReadonlySet<string> {
  const listed = methods(globalThis.process?.env?.[VARIABLE] ?? "");
  return new Set(listed.length > 0 ? listed : methods(STANDARD_METHODS));
}

function methods(list: string): readonly string[] {
  return list
    .split(",")
    .map((method) => method.trim())
    .filter((method) => method !== "");
}
