import { context as contextApi } from "@opentelemetry/api";
import { attempt } from "@waybill/core";
import { checkMiddlewareOptions, startRequestSpan } from "@waybill/core/http";
import type {
  HttpRequest,
  ResponseEnd,
  TraceMiddlewareOptions as SharedOptions,
} from "@waybill/core/http";
import type { NextFunction, Request, RequestHandler, Response } from "express";

import { routeTemplate } from "./route-template.ts";

/** The options of {@link traceMiddleware}. `identify` gets Express's `req`. */
export type TraceMiddlewareOptions = SharedOptions<Request>;

const TRACED = Symbol.for("waybill.express.traced");

/**
 * Traces each request: one SERVER span from here to the true end of its response, active in everything mounted after
 * it. Mount it first. It is both a middleware (`app.use(traceMiddleware)`) and a maker of one
 * (`app.use(traceMiddleware({ … }))`); mounted twice, it acts once.
 *
 * A request is never failed or changed by it.
 *
 * @throws TypeError naming the option, if one is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { traceMiddleware } from "@waybill/express";
 * import express from "express";
 *
 * const app = express();
 * app.use(traceMiddleware({ baggage: { accept: ["session.id"] } }));
 * app.get("/orders/:id", (req, res) => res.json({ id: req.params.id }));
 * ```
 */
export function traceMiddleware(options?: TraceMiddlewareOptions): RequestHandler;
export function traceMiddleware(req: Request, res: Response, next: NextFunction): void;
export function traceMiddleware(
  optionsOrRequest: TraceMiddlewareOptions | Request = {},
  res?: Response,
  next?: NextFunction,
): RequestHandler | void {
  if (next !== undefined && res !== undefined) {
    traceRequest(optionsOrRequest as Request, res, next, {});
    return undefined;
  }
  const options = optionsOrRequest as TraceMiddlewareOptions;
  checkMiddlewareOptions(options);
  return (request, response, proceed) => traceRequest(request, response, proceed, options);
}

function traceRequest(
  req: Request & { [TRACED]?: true },
  res: Response,
  next: NextFunction,
  options: TraceMiddlewareOptions,
): void {
  if (req[TRACED] === true) {
    next();
    return;
  }

  const request = attempt("a request could not be traced", () => {
    req[TRACED] = true;
    const opened = startRequestSpan(describe(req), {
      acceptBaggage: options.baggage?.accept ?? [],
      identify: () => options.identify?.(req),
    });
    res.once("close", () => opened.end(responseEnd(req, res)));
    return opened;
  });

  if (request === undefined) next();
  else contextApi.with(request.context, () => next());
}

function describe(req: Request): HttpRequest {
  const [path = "", ...query] = req.originalUrl.split("?");
  return {
    method: req.method,
    scheme: req.protocol,
    path,
    query: query.join("?"),
    host: req.get("host"),
    clientAddress: req.ip,
    peerAddress: req.socket.remoteAddress,
    peerPort: req.socket.remotePort,
    protocolVersion: req.httpVersion,
    header: (name) => {
      const value = req.headers[name];
      return Array.isArray(value) ? value.join(",") : value;
    },
  };
}

function responseEnd(req: Request, res: Response): ResponseEnd {
  const failure = res.errored;
  const contentType = res.getHeader("content-type");
  return {
    statusCode: res.headersSent ? res.statusCode : undefined,
    route: attempt("the route of a request could not be found", () => routeTemplate(req)),
    error: failure ?? undefined,
    clientLeft: !res.writableFinished && failure === null,
    eventStream: typeof contentType === "string" && contentType.startsWith("text/event-stream"),
  };
}
