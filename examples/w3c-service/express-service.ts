import { traceMiddleware } from "@waybill/express";
import type { TraceMiddlewareOptions } from "@waybill/express";
import express from "express";
import type { Express, NextFunction, Request, Response } from "express";

import { callBack, EXPECTED, readCallbacks } from "./call-back.ts";

/** A service that posts on what it is posted, as an Express app. */
export function expressService(options: TraceMiddlewareOptions = {}): Express {
  const app = express();
  app.use(traceMiddleware(options));
  app.use(express.json({ type: () => true }));

  app.post("/{*path}", async (req, res) => {
    const callbacks = readCallbacks(req.body);
    if (callbacks === undefined) {
      res.status(400).json({ error: EXPECTED });
      return;
    }
    await callBack(callbacks);
    res.json({ requests: callbacks.length });
  });
  app.use(answerBadJson);
  return app;
}

function answerBadJson(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (error instanceof SyntaxError) res.status(400).json({ error: EXPECTED });
  else next(error);
}
