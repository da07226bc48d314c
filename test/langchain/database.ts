import { trace } from "@opentelemetry/api";

/** What a database or an HTTP client does: a span of somebody else's, by OpenTelemetry alone. */
export async function query(): Promise<string> {
  trace.getTracer("database").startSpan("SELECT before").end();
  await new Promise((resolve) => setImmediate(resolve));
  trace.getTracer("database").startSpan("SELECT after").end();
  return "found";
}
