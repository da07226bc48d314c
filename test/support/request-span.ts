import { RequestTracer } from "@waybill/core/http";
import type { HttpRequest, RequestSpan } from "@waybill/core/http";

/** Opens the SERVER span of a `POST /chat`, as an HTTP adapter does. */
export function startRequestSpan(
  described: Partial<HttpRequest> = {},
  accept: readonly string[] = [],
): RequestSpan<undefined> {
  return new RequestTracer<undefined>({ baggage: { accept } }).start({
    request: undefined,
    describe: () => ({
      method: "POST",
      scheme: "http",
      path: "/chat",
      query: "",
      header: () => undefined,
      ...described,
    }),
  });
}
