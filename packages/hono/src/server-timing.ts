import { attempt } from "@waybill/core";
import type { Context } from "hono";

import { nodeServerBody } from "./streaming-body.ts";

/**
 * Adds to the header `Server-Timing` of the response. The application's own response stays as it is: it may answer other
 * requests with the same one.
 */
export function addServerTiming(c: Context, value: string): void {
  attempt("a header could not be added to a response", () => {
    const { res } = c;
    const known = res.headers.get("Server-Timing");
    const headers = new Headers(res.headers);
    headers.set("Server-Timing", known === null ? value : `${known}, ${value}`);
    const { status, statusText } = res;
    const madeOf = nodeServerBody(res) as ReadableStream | null | undefined;
    const body = madeOf === undefined ? res.body : madeOf;
    // Assigning over an existing response would merge the headers, and double those that may repeat.
    c.res = undefined;
    c.res = new Response(body, { status, statusText, headers });
  });
}
