import { tracingChannel } from "node:diagnostics_channel";

import { attempt } from "@waybill/core";
import type { Application, Request, Response } from "express";

/** What the router did with a request. Before router 2.3 it does not tell, and all of this is unknown. */
export interface Routing {
  /** What the last handler failed with that failed and has not been recovered from. */
  failure?: { readonly error: unknown; readonly afterHeaders: boolean } | undefined;

  /** The application whose route was taken last. */
  app?: Application;

  /** Whether that route is what has been called last. */
  inRoute?: boolean;
}

/** What the router publishes about a call of a middleware or a handler. */
interface RouterCall {
  readonly req: Request & { readonly [ROUTING]?: Routing };
  readonly res: Response;
  readonly layer: object;
  readonly error?: unknown;
  readonly errorHandler?: boolean;

  /** Of the callbacks of `router.param`. */
  readonly param?: string;
}

const ROUTING = Symbol.for("waybill.express.routing.1");
const SUBSCRIBED = Symbol.for("waybill.express.subscribed.1");

/** Follows a request through the router from now on. */
export function followRouting(req: Request): Routing {
  subscribe();
  const routing: Routing = {};
  (req as { [ROUTING]?: Routing })[ROUTING] = routing;
  return routing;
}

/** Copies of this package share one subscription in a process, and what it writes on the requests. */
function subscribe(): void {
  const holder = globalThis as { [SUBSCRIBED]?: true };
  if (holder[SUBSCRIBED] === true) return;
  holder[SUBSCRIBED] = true;
  const channel = tracingChannel("express.router.request");
  // An error that a subscriber throws would end the process.
  channel.start.subscribe((call) => {
    attempt("a step of the router could not be followed", () => onStart(call as RouterCall));
  });
  channel.error.subscribe((call) => {
    attempt("an error of the router could not be followed", () => onError(call as RouterCall));
  });
}

function onStart({ req, layer, errorHandler, param }: RouterCall): void {
  const routing = req[ROUTING];
  if (routing === undefined || errorHandler === true || param !== undefined) return;
  // While an error is on its way, only error handlers are called.
  routing.failure = undefined;
  routing.inRoute = "method" in layer;
  if (routing.inRoute) routing.app = req.app;
}

/** Called once for each error, where it comes from. */
function onError({ req, res, error }: RouterCall): void {
  const routing = req[ROUTING];
  if (routing !== undefined) routing.failure = { error, afterHeaders: res.headersSent };
}
