import { context as contextApi } from "@opentelemetry/api";
import { attempt } from "@waybill/core";
import {
  checkMiddlewareOptions,
  claimRequest,
  isOver,
  nodeResponseEnd,
  parseTarget,
  startRequestSpan,
} from "@waybill/core/http";
import type {
  HttpRequest,
  RequestSpan,
  ResponseEnd,
  TraceMiddlewareOptions as SharedOptions,
} from "@waybill/core/http";
import type { Application, NextFunction, Request, RequestHandler, Response } from "express";

import { routeTemplate } from "./route-template.ts";
import { followRouting } from "./routing.ts";
import type { Routing } from "./routing.ts";

/** The options of {@link traceMiddleware}. `identify` gets Express's `req`. */
export type TraceMiddlewareOptions = SharedOptions<Request>;

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
  optionsOrRequest?: TraceMiddlewareOptions | Request,
  res?: Response,
  next?: NextFunction,
): RequestHandler | void {
  if (next !== undefined && res !== undefined) {
    traceRequest(optionsOrRequest as Request, res, next, {});
    return undefined;
  }
  const options = (
    optionsOrRequest === undefined ? {} : optionsOrRequest
  ) as TraceMiddlewareOptions;
  checkMiddlewareOptions(options);
  return (request, response, proceed) => traceRequest(request, response, proceed, options);
}

function traceRequest(
  req: Request,
  res: Response,
  next: NextFunction,
  options: TraceMiddlewareOptions,
): void {
  const request = attempt("a request could not be traced", () => openRequest(req, res, options));
  if (request === undefined) next();
  else contextApi.with(request.context, () => next());
}

/** Opens the span of a request that nobody traces yet, and sees to its end. */
function openRequest(
  req: Request,
  res: Response,
  options: TraceMiddlewareOptions,
): RequestSpan | undefined {
  if (!claimRequest(req)) return undefined;

  const { app } = req;
  const routing = followRouting(req);
  let request: RequestSpan | undefined;
  const end = (): void => {
    const response = attempt("the end of a response could not be read", () =>
      responseEnd(req, res, app, routing),
    );
    request?.end(response ?? {});
  };
  res.once("close", end);
  request = startRequestSpan(describe(req), {
    acceptBaggage: options.baggage?.accept ?? [],
    identify: () => options.identify?.(req),
    overConnection: true,
  });
  if (isOver(res)) end();
  return request;
}

function describe(req: Request): HttpRequest {
  const { path, query } = parseTarget(req.originalUrl);
  return {
    method: req.method,
    scheme: req.protocol,
    path,
    query,
    host: hostAskedFor(req),
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

/** With its port, which Express leaves out of the host name that a trusted proxy has forwarded. */
function hostAskedFor(req: Request): string | undefined {
  const host = req.get("host");
  return host?.startsWith(req.hostname) === true ? host : req.hostname;
}

function responseEnd(req: Request, res: Response, app: Application, routing: Routing): ResponseEnd {
  const { failure } = routing;
  // An error that an error handler has made a 4xx of is an answer, unless it came too late to be one.
  const isFailure = failure?.afterHeaders === true || (res.headersSent && res.statusCode >= 500);
  return {
    ...nodeResponseEnd(
      { incoming: req, outgoing: res },
      failure && isFailure ? { error: failure.error } : undefined,
    ),
    route: attempt("the route of a request could not be found", () =>
      routeTemplate(req, app, routing, res.statusCode),
    ),
  };
}
