import { attempt } from "@waybill/core";

import { isPromiseLike } from "./is-promise-like.ts";
import type { StreamConsumption } from "./stream-consumption.ts";

/**
 * A view on the result of `streamText` that counts who reads it. What the application gets through it are the result's
 * own values; only its streams are passed through a tap that reads ahead of its reader by nothing.
 *
 * Getters and methods run on the result itself, so it does not matter what they are made of. The result's own
 * properties are internals of the AI SDK and are not touched.
 */
export function tracedResult(result: object, consumption: StreamConsumption): object {
  const view: object = new Proxy(result, {
    get(target, property) {
      if (Object.hasOwn(target, property)) return Reflect.get(target, property, target) as unknown;
      const value: unknown = consumption.run(
        () => Reflect.get(target, property, target) as unknown,
      );
      if (typeof value !== "function") return handedOut(value);
      return property === "constructor" ? value : method(String(property), value as Method, target);
    },
  });

  function method(name: string, original: Method, target: object): Method {
    return function (this: unknown, ...args) {
      const self = this === view ? target : this;
      const value = consumption.run(() => Reflect.apply(original, self, args));
      if (!name.startsWith("pipe")) return handedOut(value);
      attempt("a response could not be watched", () => watchPipe(args[0], consumption));
      return value;
    };
  }

  function handedOut(value: unknown): unknown {
    return attempt("a stream could not be watched", () => watched(value)) ?? value;
  }

  function watched(value: unknown): unknown {
    if (value instanceof ReadableStream) return consumption.branch(value);
    if (value instanceof Response) return watchedResponse(value, consumption);
    if (isPromiseLike(value)) {
      consumption.drained(() => Reflect.get(result, "fullStream", result) as unknown);
    }
    return value;
  }

  return view;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function watchedResponse(response: Response, consumption: StreamConsumption): Response {
  if (response.body === null) return response;
  const { status, statusText, headers } = response;
  return new Response(consumption.branch(response.body), { status, statusText, headers });
}

/** A response that the result is written to: over when it is, cancelled when it was closed before that. */
function watchPipe(destination: unknown, consumption: StreamConsumption): void {
  const response = destination as {
    readonly destroyed?: boolean;
    readonly writableFinished?: boolean;
    once?: (event: string, listener: () => void) => unknown;
  };
  const branch = consumption.openBranch();
  branch.waiting();
  const closed = (): void => {
    if (response.writableFinished === true) branch.done();
    else branch.left("cancelled");
  };
  if (response.destroyed === true) closed();
  else response.once?.("close", closed);
}
