import { setIdentity } from "@waybill/core";
import { traceMiddleware } from "@waybill/express";
import express from "express";
import type { Express, NextFunction, Request, Response } from "express";

import { readCustomer } from "./customer.ts";
import type { SupportDesk } from "./support-desk.ts";

/** The support desk as an Express app: `POST /chat` answers with server-sent events. */
export function expressService(desk: SupportDesk): Express {
  const app = express();
  app.use(traceMiddleware({ baggage: { accept: ["tenant"] } }));
  app.use(express.json());
  app.use(authenticate);

  app.post("/chat", async (req, res) => {
    const left = new AbortController();
    res.once("close", () => left.abort());
    res.setHeader("content-type", "text/event-stream");
    const { sessionId } = readCustomer((name) => req.get(name)) ?? { sessionId: "" };
    const { question } = req.body as { question: string };
    try {
      await desk.answer({
        sessionId,
        text: question,
        signal: left.signal,
        send: async (text) => void res.write(`data: ${JSON.stringify(text)}\n\n`),
      });
    } catch (error) {
      if (!left.signal.aborted) throw error;
    }
    res.end();
  });
  return app;
}

function authenticate(req: Request, res: Response, next: NextFunction): void {
  const customer = readCustomer((name) => req.get(name));
  if (customer === undefined) {
    res
      .status(401)
      .json({ error: "say who you are: authorization: Bearer <name>, x-session-id: <id>" });
    return;
  }
  setIdentity(customer);
  next();
}
