import type { Context } from "@opentelemetry/api";
import { attempt, tapStream } from "@waybill/core";
import { isOver, nodeResponseEnd } from "@waybill/core/http";
import type { NodeExchange, RequestSpan, ResponseEnd } from "@waybill/core/http";
import type { Context as HonoContext } from "hono";

import type { OpenResponse } from "./open-response.ts";
import { routeTemplate } from "./route-template.ts";
import { replaceStreamingBody } from "./streaming-body.ts";
import { contextWithTracedRequest } from "./traced-request.ts";

/** A response that is sent over a connection of Node's, which tells of its end. */
export class ConnectionResponse implements OpenResponse {
  readonly context: Context;
  readonly #c: HonoContext;
  readonly #exchange: NodeExchange;
  #failure: ResponseEnd["failure"];

  constructor(c: HonoContext, exchange: NodeExchange, start: () => RequestSpan) {
    this.#c = c;
    this.#exchange = exchange;
    // Before the span starts, which is then sure to be ended; and before the handler runs: afterwards is too late if the
    // client has already left by then.
    let request: RequestSpan | undefined;
    exchange.outgoing.once("close", () => request?.end(this.#responseEnd()));
    request = start();
    this.context = contextWithTracedRequest(request.context, c.req.raw);
    if (isOver(exchange.outgoing)) request.end(this.#responseEnd());
  }

  handled(c: HonoContext): void {
    if (c.res.status >= 500 && c.error !== undefined) this.#failure = { error: c.error };
    replaceStreamingBody(c, (body) =>
      tapStream(body, {
        context: this.context,
        onDone: () => {},
        onError: (error) => this.failed(error),
        onCancel: () => {},
      }),
    );
  }

  failed(error: unknown): void {
    this.#failure = { error };
  }

  #responseEnd(): ResponseEnd {
    const end = attempt("the end of a response could not be read", () =>
      nodeResponseEnd(this.#exchange, this.#failure),
    );
    return { ...end, route: routeTemplate(this.#c, end?.statusCode) };
  }
}
