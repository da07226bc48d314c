import { SpanKind } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { propagatingFetch } from "@waybill/core/http";

/** A request that the service is asked to make: `arguments`, as JSON, posted to `url`. */
export interface Callback {
  readonly url: string;
  readonly arguments: unknown;
}

/** What the service answers to anything else. */
export const EXPECTED = 'expected a JSON array of { "url": "http://…", "arguments": … }';

const fetch = propagatingFetch();

/** The requests that a body asks for; nothing if it is none of the form described. */
export function readCallbacks(body: unknown): readonly Callback[] | undefined {
  return Array.isArray(body) && body.every(isCallback) ? body : undefined;
}

/** Makes the requests, one after the other, each with a span of its own and the trace in its headers. */
export async function callBack(callbacks: readonly Callback[]): Promise<void> {
  for (const { url, arguments: body } of callbacks) {
    await withSpan("POST", { kind: SpanKind.CLIENT }, async () => {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      await response.arrayBuffer();
    });
  }
}

function isCallback(value: unknown): value is Callback {
  if (typeof value !== "object" || value === null || !("arguments" in value)) return false;
  const { url } = value as { readonly url?: unknown };
  return typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url);
}
