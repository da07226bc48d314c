import type { Context } from "@opentelemetry/api";
import { StreamLifetime } from "@waybill/core";
import type { Outcome, StreamedOperation } from "@waybill/core";
import type { RequestSpan, ResponseEnd } from "@waybill/core/http";
import type { Context as HonoContext } from "hono";

import type { OpenResponse } from "./open-response.ts";
import { routeTemplate } from "./route-template.ts";
import { replaceStreamingBody } from "./streaming-body.ts";
import { contextWithTracedRequest } from "./traced-request.ts";

/**
 * A response of which only its body tells that it ended: by having been read, cancelled, or collected as garbage.
 *
 * Once the body is followed, nothing here leads to it: what the end is recorded with is known by then.
 */
export class BodyResponse implements OpenResponse, StreamedOperation {
  readonly context: Context;
  readonly #request: RequestSpan;
  readonly #signal: AbortSignal | undefined;
  #c: HonoContext | undefined;

  /** What is known of the end. No status has been sent before the application is through. */
  #known: ResponseEnd = {};

  constructor(c: HonoContext, start: () => RequestSpan) {
    this.#c = c;
    this.#signal = c.req.raw.signal;
    this.#request = start();
    this.context = contextWithTracedRequest(this.#request.context, c.req.raw);
    this.#signal?.addEventListener("abort", this.#left, { once: true });
    if (this.#signal?.aborted) this.#left();
  }

  handled(c: HonoContext): void {
    this.#c = undefined;
    let isFollowed = false;
    try {
      const { res, error } = c;
      this.#known = {
        statusCode: res.status,
        route: routeTemplate(c, res.status),
        failure: res.status >= 500 && error !== undefined ? { error } : undefined,
        eventStream: res.headers.get("content-type")?.startsWith("text/event-stream") === true,
      };
      isFollowed = replaceStreamingBody(c, (body) => new StreamLifetime(this).readable(body));
    } finally {
      if (!isFollowed) this.end();
    }
  }

  failed(error: unknown): void {
    if (this.#c !== undefined) this.#known = { route: routeTemplate(this.#c, undefined) };
    this.#c = undefined;
    this.fail(error);
  }

  get ended(): boolean {
    return this.#request.ended;
  }

  end(outcome?: Outcome): void {
    this.#end({ clientLeft: outcome === "cancelled", unread: outcome === "abandoned" });
  }

  fail(error: unknown): void {
    this.#end({ failure: { error } });
  }

  touch(): void {}

  onClientLeft(): void {}

  onEnded(): void {}

  readonly #left = (): void => {
    if (this.#c !== undefined) this.#known = { route: routeTemplate(this.#c, undefined) };
    this.end("cancelled");
  };

  #end(how: ResponseEnd): void {
    this.#signal?.removeEventListener("abort", this.#left);
    this.#request.end({ ...this.#known, ...how });
  }
}
