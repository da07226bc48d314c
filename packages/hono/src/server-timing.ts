import { attempt } from "@waybill/core";
import type { Context } from "hono";

/** Adds to the header `Server-Timing` of the response that the application has made. */
export function addServerTiming(c: Context, value: string): void {
  attempt("a header could not be added to a response", () => {
    try {
      c.res.headers.append("Server-Timing", value);
    } catch {
      // The headers of a response that was fetched cannot be changed: Hono then makes a response of its own of it.
      c.header("Server-Timing", value, { append: true });
    }
  });
}
