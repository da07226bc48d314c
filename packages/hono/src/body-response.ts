import type { Context } from "@opentelemetry/api";
import { StreamLifetime } from "@waybill/core";
import type { Outcome, StreamedOperation } from "@waybill/core";
import type { RequestSpan, ResponseEnd } from "@waybill/core/http";
import type { Context as HonoContext } from "hono";

import { answerOf } from "./answer.ts";
import type { OpenResponse } from "./open-response.ts";
import { addServerTiming } from "./server-timing.ts";
import { replaceStreamingBody } from "./streaming-body.ts";
import { contextWithTracedRequest } from "./traced-request.ts";
import { keepAwake } from "./wait-until.ts";

/** Keeps a Hono context for as long as the body of its response is there. */
const CONTEXTS = new WeakMap<ReadableStream, HonoContext>();

/**
 * A response of which only its body tells that it ended: by having been read, cancelled, or collected as garbage.
 *
 * Once the body is followed, nothing here leads to it: what the end is recorded with is known by then.
 */
export class BodyResponse implements OpenResponse, StreamedOperation {
  readonly context: Context;
  readonly #request: RequestSpan<HonoContext>;
  readonly #signal: AbortSignal | undefined;
  readonly #letSleep: () => void;
  #c: HonoContext | undefined;
  readonly #weakC: WeakRef<HonoContext>;

  /** What is known of the end. No status has been sent before the application is through. */
  #known: ResponseEnd = {};

  constructor(c: HonoContext, start: () => RequestSpan<HonoContext>) {
    this.#c = c;
    this.#weakC = new WeakRef(c);
    this.#signal = c.req.raw.signal;
    this.#request = start();
    this.#letSleep = keepAwake(c);
    this.context = contextWithTracedRequest(this.#request.context, c.req.raw);
    this.#signal?.addEventListener("abort", this.#left, { once: true });
    if (this.#signal?.aborted) this.#left();
  }

  handled(c: HonoContext): void {
    this.#c = undefined;
    let isFollowed = false;
    try {
      const { serverTiming } = this.#request;
      if (serverTiming !== undefined) addServerTiming(c, serverTiming);
      const { res, error } = c;
      this.#request.answered(answerOf(c, res.status));
      this.#known = {
        statusCode: res.status,
        failure: res.status >= 500 && error !== undefined ? { error } : undefined,
        eventStream:
          res.headers.get("content-type")?.toLowerCase().startsWith("text/event-stream") === true,
      };
      isFollowed = replaceStreamingBody(c, (body) => {
        const followed = new StreamLifetime(this).readable(body);
        CONTEXTS.set(followed, c);
        return followed;
      });
    } finally {
      if (!isFollowed) this.end();
    }
  }

  failed(error: unknown): void {
    this.#unanswered();
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
    this.#unanswered();
    this.end("cancelled");
  };

  /** It is over before there is an answer. */
  #unanswered(): void {
    if (this.#c !== undefined) this.#request.answered(answerOf(this.#c, undefined));
    this.#c = undefined;
  }

  #end(how: ResponseEnd): void {
    this.#signal?.removeEventListener("abort", this.#left);
    this.#request.end({ ...this.#known, ...how }, this.#weakC.deref());
    this.#letSleep();
  }
}
