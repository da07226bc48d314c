import type { Context } from "@opentelemetry/api";
import { attempt, tapStream } from "@waybill/core";
import { isOver, nodeResponseEnd, nodeResponseHeader } from "@waybill/core/http";
import type { NodeExchange, RequestSpan, ResponseEnd } from "@waybill/core/http";
import type { Context as HonoContext } from "hono";

import { answerOf } from "./answer.ts";
import type { OpenResponse } from "./open-response.ts";
import { addServerTiming } from "./server-timing.ts";
import { replaceStreamingBody } from "./streaming-body.ts";
import { contextWithTracedRequest } from "./traced-request.ts";

/** A response that is sent over a connection of Node's, which tells of its end. */
export class ConnectionResponse implements OpenResponse {
  readonly context: Context;
  readonly #c: HonoContext;
  readonly #exchange: NodeExchange;
  readonly #request: RequestSpan<HonoContext>;
  #failure: ResponseEnd["failure"];

  constructor(c: HonoContext, exchange: NodeExchange, start: () => RequestSpan<HonoContext>) {
    this.#c = c;
    this.#exchange = exchange;
    // Before the span starts, which is then sure to be ended; and before the handler runs: afterwards is too late if the
    // client has already left by then. Also before whoever else hears of the end: an instrumentation whose span has been
    // adopted ends it then.
    let request: RequestSpan<HonoContext> | undefined;
    exchange.outgoing.prependOnceListener("close", () => this.#end(request));
    this.#request = start();
    request = this.#request;
    this.context = contextWithTracedRequest(request.context, c.req.raw);
    if (isOver(exchange.outgoing)) this.#end(request);
  }

  handled(c: HonoContext): void {
    const { adopted, serverTiming } = this.#request;
    if (serverTiming !== undefined) addServerTiming(c, serverTiming);
    // Whoever owns the span may end it as soon as the application is through.
    if (adopted) this.#request.answered(answerOf(c, c.res.status));
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

  #end(request: RequestSpan<HonoContext> | undefined): void {
    const { outgoing } = this.#exchange;
    const end = attempt("the end of a response could not be read", () =>
      nodeResponseEnd(this.#exchange, this.#failure),
    );
    request?.answered({
      ...answerOf(this.#c, end?.statusCode),
      header: (name) => nodeResponseHeader(outgoing, name),
    });
    request?.end(end ?? {}, this.#c);
  }
}
