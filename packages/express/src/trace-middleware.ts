import { context as contextApi } from "@opentelemetry/api";
import { attempt } from "@waybill/core";
import {
  claimRequest,
  isOver,
  nodeResponseEnd,
  nodeResponseHeader,
  parseTarget,
  RequestTracer,
} from "@waybill/core/http";
import type {
  Answer,
  HttpRequest,
  RequestSpan,
  ResponseEnd,
  TraceMiddlewareOptions as SharedOptions,
} from "@waybill/core/http";
import type { Application, NextFunction, Request, RequestHandler, Response } from "express";

import { routeTemplate } from "./route-template.ts";
import { followRouting } from "./routing.ts";
import type { Routing } from "./routing.ts";

/** The options of {@link traceMiddleware}. Its functions get Express's `req`. */
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
    bareTracer ??= new RequestTracer({});
    traceRequest(optionsOrRequest as Request, res, next, bareTracer);
    return undefined;
  }
  const options = optionsOrRequest === undefined ? {} : optionsOrRequest;
  const tracer = new RequestTracer(options as TraceMiddlewareOptions);
  return (request, response, proceed) => traceRequest(request, response, proceed, tracer);
}

/** That of all middlewares that are mounted as they are. */
let bareTracer: RequestTracer<Request> | undefined;

function traceRequest(
  req: Request,
  res: Response,
  next: NextFunction,
  tracer: RequestTracer<Request>,
): void {
  const request = attempt("a request could not be traced", () => openRequest(req, res, tracer));
  if (request === undefined) next();
  else {
    // The listeners of a request's own events would run outside of it.
    attempt("a request's events could not be bound", () => contextApi.bind(request.context, req));
    contextApi.with(request.context, () => next());
  }
}

/** Opens the span of a request that nobody traces yet, and sees to its end. */
function openRequest(
  req: Request,
  res: Response,
  tracer: RequestTracer<Request>,
): RequestSpan<Request> | undefined {
  if (tracer.ignores(req, () => parseTarget(req.originalUrl).path) || !claimRequest(req)) {
    return undefined;
  }

  const { app } = req;
  const routing = followRouting(req);
  let request: RequestSpan<Request> | undefined;
  const end = (): void => {
    const response = attempt("the end of a response could not be read", () =>
      responseEnd(req, res, routing),
    );
    request?.answered(answer(req, res, app, routing));
    request?.end(response ?? {}, req);
  };
  // Before whoever else hears of the end: an instrumentation whose span has been adopted ends it then.
  res.prependOnceListener("close", end);
  request = tracer.start({
    request: req,
    describe: () => describe(req, tracer.knowsProxies),
    overConnection: true,
  });
  attempt("a header could not be added to a response", () => {
    const { serverTiming } = request;
    if (serverTiming !== undefined) res.append("Server-Timing", serverTiming);
  });
  if (isOver(res)) end();
  return request;
}

/** @param isRaw Whether to describe it as it came over its connection, whatever Express's `trust proxy` says. */
function describe(req: Request, isRaw: boolean): HttpRequest {
  const { path, query } = parseTarget(req.originalUrl);
  const { remoteAddress, remotePort } = req.socket;
  const isEncrypted = (req.socket as { readonly encrypted?: boolean }).encrypted === true;
  return {
    method: req.method,
    scheme: isRaw ? (isEncrypted ? "https" : "http") : req.protocol,
    path,
    query,
    host: isRaw ? req.headers.host : hostAskedFor(req),
    clientAddress: isRaw ? remoteAddress : req.ip,
    peerAddress: remoteAddress,
    peerPort: remotePort,
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

function answer(req: Request, res: Response, app: Application, routing: Routing): Answer<Request> {
  return {
    request: req,
    route: () => routeTemplate(req, app, routing, res.statusCode),
    header: (name) => nodeResponseHeader(res, name),
  };
}

function responseEnd(req: Request, res: Response, { failure }: Routing): ResponseEnd {
  // An error that an error handler has made a 4xx of is an answer, unless it came too late to be one.
  const isFailure = failure?.afterHeaders === true || (res.headersSent && res.statusCode >= 500);
  return nodeResponseEnd(
    { incoming: req, outgoing: res },
    failure && isFailure ? { error: failure.error } : undefined,
  );
}
