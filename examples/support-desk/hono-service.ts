import { setIdentity } from "@waybill/core";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";

import { readCustomer } from "./customer.ts";
import type { Customer } from "./customer.ts";
import type { SupportDesk } from "./support-desk.ts";

/** The support desk as a Hono app: `POST /chat` answers with server-sent events. */
export function honoService(desk: SupportDesk): Hono<{ Variables: { customer: Customer } }> {
  const app = new Hono<{ Variables: { customer: Customer } }>();
  app.use(traceMiddleware({ baggage: { accept: ["tenant"] } }));
  app.use(async (c, next) => {
    const customer = readCustomer((name) => c.req.header(name));
    if (customer === undefined) {
      const error = "say who you are: authorization: Bearer <name>, x-session-id: <id>";
      return c.json({ error }, 401);
    }
    setIdentity(customer);
    c.set("customer", customer);
    return next();
  });

  app.post("/chat", async (c) => {
    const { question } = await c.req.json<{ question: string }>();
    return streamSSE(c, async (stream) => {
      const left = new AbortController();
      stream.onAbort(() => left.abort());
      try {
        await desk.answer({
          sessionId: c.get("customer").sessionId,
          text: question,
          signal: left.signal,
          send: (text) => stream.writeSSE({ data: JSON.stringify(text) }),
        });
      } catch (error) {
        if (!left.signal.aborted) throw error;
      }
    });
  });
  return app;
}
