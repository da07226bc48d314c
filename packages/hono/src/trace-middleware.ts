import { context as contextApi } from "@opentelemetry/api";
import { attempt } from "@waybill/core";
import { claimRequest, parseTarget, RequestTracer } from "@waybill/core/http";
import type {
  HttpRequest,
  NodeExchange,
  RequestSpan,
  TraceMiddlewareOptions as SharedOptions,
} from "@waybill/core/http";
import type { Context, MiddlewareHandler, Next } from "hono";

import { BodyResponse } from "./body-response.ts";
import { ConnectionResponse } from "./connection-response.ts";
import { nodeConnection } from "./node-connection.ts";
import type { OpenResponse } from "./open-response.ts";
import { isSameRequest, tracedRequest } from "./traced-request.ts";

/** The options of {@link traceMiddleware}. Its functions get Hono's `c`. */
export type TraceMiddlewareOptions = SharedOptions<Context>;

const TRACED = Symbol.for("waybill.hono.traced");

/**
 * Traces each request: one SERVER span from here to the true end of its response, active in everything mounted after
 * it, also in the code that produces a streamed body. Mount it first. It is both a middleware
 * (`app.use(traceMiddleware)`) and a maker of one (`app.use(traceMiddleware({ … }))`); mounted twice, it acts once.
 *
 * A request is never failed or changed by it.
 *
 * @throws TypeError naming the option, if one is unknown or of the wrong type.
 *
 * @example
 * ```ts
 * import { traceMiddleware } from "@waybill/hono";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * app.use(traceMiddleware({ baggage: { accept: ["session.id"] } }));
 * app.get("/orders/:id", (c) => c.json({ id: c.req.param("id") }));
 * ```
 */
export function traceMiddleware(options?: TraceMiddlewareOptions): MiddlewareHandler;
export function traceMiddleware(c: Context, next: Next): Promise<void>;
export function traceMiddleware(
  // Not by default values: by its number of parameters Hono's users and we tell a middleware from a handler.
  optionsOrContext?: TraceMiddlewareOptions | Context,
  next?: Next,
): MiddlewareHandler | Promise<void> {
  if (next !== undefined) {
    bareTracer ??= new RequestTracer({});
    return traceRequest(optionsOrContext as Context, next, bareTracer);
  }
  const options = optionsOrContext === undefined ? {} : optionsOrContext;
  const tracer = new RequestTracer(options as TraceMiddlewareOptions);
  return (c, proceed) => traceRequest(c, proceed, tracer);
}

/** That of all middlewares that are used as they are. */
let bareTracer: RequestTracer<Context> | undefined;

async function traceRequest(c: Context, next: Next, tracer: RequestTracer<Context>): Promise<void> {
  const response = attempt("a request could not be traced", () => openResponse(c, tracer));
  if (response === undefined) return next();

  try {
    await contextApi.with(response.context, next);
  } catch (error) {
    attempt("the end of a request could not be recorded", () => response.failed(error));
    throw error;
  }
  attempt("a response could not be followed to its end", () => response.handled(c));
}

/** Opens the span of a request that nobody traces yet, and sees to its end. */
function openResponse(
  c: Context & { [TRACED]?: true },
  tracer: RequestTracer<Context>,
): OpenResponse | undefined {
  const connection = attempt("a connection could not be read", () => nodeConnection(c.env));
  if (c[TRACED] === true || tracer.ignores(c, () => pathOf(c, connection))) return undefined;
  c[TRACED] = true;

  const start = (over?: NodeExchange): RequestSpan<Context> =>
    tracer.start({
      request: c,
      describe: () => describe(c, over),
      overConnection: over !== undefined,
    });
  if (connection !== undefined && claimRequest(connection.incoming)) {
    return new ConnectionResponse(c, connection, () => start(connection));
  }

  // Another app has been here: with this very request, or it makes one of its own within the process.
  const outer = tracedRequest(contextApi.active());
  const isTraced = outer === undefined ? connection !== undefined : isSameRequest(c.req.raw, outer);
  return isTraced ? undefined : new BodyResponse(c, () => start());
}

function pathOf(c: Context, connection: NodeExchange | undefined): string {
  return parseTarget(connection?.incoming.url ?? c.req.url).path;
}

function describe(c: Context, connection: NodeExchange | undefined): HttpRequest {
  const url = parseTarget(c.req.url);
  const { path, query } = parseTarget(connection?.incoming.url ?? c.req.url);
  const socket = connection?.incoming.socket;
  return {
    method: c.req.method,
    scheme: url.scheme ?? "http",
    path,
    query,
    host: c.req.header("host") ?? url.authority,
    clientAddress: socket?.remoteAddress,
    peerAddress: socket?.remoteAddress,
    peerPort: socket?.remotePort,
    protocolVersion: connection?.incoming.httpVersion,
    header: (name) => c.req.header(name),
  };
}
