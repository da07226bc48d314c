import { context as contextApi } from "@opentelemetry/api";
import { attempt, tapStream } from "@waybill/core";
import { checkMiddlewareOptions, startRequestSpan } from "@waybill/core/http";
import type {
  HttpRequest,
  RequestSpan,
  TraceMiddlewareOptions as SharedOptions,
} from "@waybill/core/http";
import type { Context, MiddlewareHandler, Next } from "hono";

import { nodeConnection } from "./node-connection.ts";
import type { NodeConnection } from "./node-connection.ts";
import { routeTemplate } from "./route-template.ts";
import { hasStreamingBody } from "./streaming-body.ts";

/** The options of {@link traceMiddleware}. `identify` gets Hono's `c`. */
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
  optionsOrContext: TraceMiddlewareOptions | Context = {},
  next?: Next,
): MiddlewareHandler | Promise<void> {
  if (next !== undefined) return traceRequest(optionsOrContext as Context, next, {});
  const options = optionsOrContext as TraceMiddlewareOptions;
  checkMiddlewareOptions(options);
  return (c, proceed) => traceRequest(c, proceed, options);
}

async function traceRequest(
  c: Context & { [TRACED]?: true },
  next: Next,
  options: TraceMiddlewareOptions,
): Promise<void> {
  if (c[TRACED] === true) return next();

  const connection = nodeConnection(c.env);
  const request = attempt("a request could not be traced", () => {
    c[TRACED] = true;
    return startRequestSpan(describe(c, connection), {
      acceptBaggage: options.baggage?.accept ?? [],
      identify: () => options.identify?.(c),
    });
  });
  if (request === undefined) return next();

  const response = new OpenResponse(c, request, connection);
  try {
    await contextApi.with(request.context, next);
  } catch (error) {
    // Hono hands errors to its error handler; what still arrives here is a thrown value that is no Error.
    response.failed(error);
    throw error;
  }
  attempt("a response could not be followed to its end", () => response.handled());
}

/** A response on its way out: knows its true end, by the Node response if there is one, else by its body. */
class OpenResponse {
  readonly #c: Context;
  readonly #request: RequestSpan;
  readonly #connection: NodeConnection | undefined;
  #error: unknown;
  #eventStream = false;

  constructor(c: Context, request: RequestSpan, connection: NodeConnection | undefined) {
    this.#c = c;
    this.#request = request;
    this.#connection = connection;
    // Before the handler runs: afterwards is too late if the client has already left by then.
    connection?.outgoing.once("close", () => this.#endWithConnection(connection));
    if (connection === undefined)
      c.req.raw.signal?.addEventListener("abort", this.#left, { once: true });
  }

  /** The handler is through, and `c.res` is what it made. */
  handled(): void {
    const { res, error } = this.#c;
    if (res.status >= 500) this.#error = error;
    this.#eventStream = res.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (hasStreamingBody(this.#c, this.#connection !== undefined)) this.#followBody(res);
    else if (this.#connection === undefined) this.#end({});
  }

  /** The handler threw what Hono does not handle. */
  failed(error: unknown): void {
    this.#error = error;
    if (this.#connection === undefined) this.#end({ noResponse: true });
  }

  #followBody(res: Response): void {
    if (res.body === null) return;
    const body = tapStream(res.body, {
      context: this.#request.context,
      onDone: () => this.#bodyOver({}),
      onError: (error) => {
        this.#error = error;
        this.#bodyOver({});
      },
      onCancel: () => this.#bodyOver({ clientLeft: true }),
    });
    // Assigning over an existing response would merge the headers, and double those that may repeat.
    this.#c.res = undefined;
    this.#c.res = new Response(body, res);
  }

  #bodyOver(end: { clientLeft?: boolean }): void {
    if (this.#connection === undefined) this.#end(end);
  }

  readonly #left = (): void => this.#end({ clientLeft: true });

  #end({ clientLeft = false, noResponse = false }): void {
    this.#c.req.raw.signal?.removeEventListener("abort", this.#left);
    const { res } = this.#c;
    this.#request.end({
      statusCode: noResponse ? undefined : res.status,
      route: this.#route(res.status),
      error: this.#error,
      clientLeft,
      eventStream: this.#eventStream,
    });
  }

  #endWithConnection({ outgoing }: NodeConnection): void {
    const error: unknown = this.#error ?? outgoing.errored ?? undefined;
    this.#request.end({
      statusCode: outgoing.headersSent ? outgoing.statusCode : undefined,
      route: this.#route(outgoing.statusCode),
      error,
      clientLeft: !outgoing.writableFinished && error === undefined,
      eventStream: this.#eventStream,
    });
  }

  #route(statusCode: number): string | undefined {
    return attempt("the route of a request could not be found", () =>
      routeTemplate(this.#c, statusCode),
    );
  }
}

function describe(c: Context, connection: NodeConnection | undefined): HttpRequest {
  const { url, method } = c.req;
  const [beforeQuery = "", ...query] = url.split("?");
  const scheme = beforeQuery.slice(0, Math.max(0, beforeQuery.indexOf(":")));
  const authority = beforeQuery.slice(scheme.length + "://".length).split("/", 1)[0];
  const socket = connection?.incoming.socket;
  return {
    method,
    scheme,
    path: c.req.path,
    query: query.join("?"),
    host: c.req.header("host") ?? authority,
    clientAddress: socket?.remoteAddress,
    peerAddress: socket?.remoteAddress,
    peerPort: socket?.remotePort,
    protocolVersion: connection?.incoming.httpVersion,
    header: (name) => c.req.header(name),
  };
}
