import { traceMiddleware } from "@waybill/hono";
import type { TraceMiddlewareOptions } from "@waybill/hono";
import { Hono } from "hono";

import { callBack, EXPECTED, readCallbacks } from "./call-back.ts";

/** A service that posts on what it is posted, as a Hono app. */
export function honoService(options: TraceMiddlewareOptions = {}): Hono {
  const app = new Hono();
  app.use(traceMiddleware(options));

  app.post("*", async (c) => {
    const callbacks = readCallbacks(await c.req.json().catch(() => undefined));
    if (callbacks === undefined) return c.json({ error: EXPECTED }, 400);
    await callBack(callbacks);
    return c.json({ requests: callbacks.length });
  });
  return app;
}
