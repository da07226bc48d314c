import { AsyncLocalStorage } from "node:async_hooks";
import type { EventEmitter } from "node:events";

import { ROOT_CONTEXT } from "@opentelemetry/api";
import type { Context, ContextManager } from "@opentelemetry/api";

import { attempt } from "../report-failure.ts";

/**
 * Keeps the active context across `await`, timers and callbacks by an `AsyncLocalStorage`. For Node, Bun, Deno and
 * workerd (`nodejs_compat`); for OpenTelemetry API 1.9 and 1.10.
 */
export class AsyncLocalStorageContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  readonly #boundEmitters = new WeakSet<EventEmitter>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => Reflect.apply(fn, thisArg, args));
  }

  /** A function that runs in `context`, or an event emitter whose listeners do. Anything else is returned. */
  bind<T>(context: Context, target: T): T {
    if (typeof target === "function") return this.#bindFunction(context, target) as T;
    if (isEventEmitter(target)) this.#bindEmitter(context, target);
    return target;
  }

  /**
   * Makes `context` the active one for the rest of the current asynchronous execution. Where the runtime cannot do that
   * (workerd), nothing happens, and OpenTelemetry's `diag` is told.
   *
   * @returns A token that makes the context active again that was active before.
   */
  attach(context: Context): { dispose: () => void } {
    const previous = this.#storage.getStore();
    const enter = (entered: Context | undefined): void =>
      attempt("this runtime cannot attach a context", () =>
        this.#storage.enterWith(entered as Context),
      );
    enter(context);
    return { dispose: () => enter(previous) };
  }

  enable(): this {
    return this;
  }

  disable(): this {
    attempt("this runtime cannot disable a context manager", () => this.#storage.disable());
    return this;
  }

  #bindFunction(context: Context, target: Function): Function {
    const storage = this.#storage;
    function bound(this: unknown, ...args: unknown[]): unknown {
      return storage.run(context, () => Reflect.apply(target, this, args) as unknown);
    }
    Object.defineProperty(bound, "length", { value: target.length, configurable: true });
    return bound;
  }

  #bindEmitter(context: Context, emitter: EventEmitter): void {
    if (this.#boundEmitters.has(emitter)) return;
    this.#boundEmitters.add(emitter);
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (...args) => this.#storage.run(context, () => emit(...args));
  }
}

function isEventEmitter(target: unknown): target is EventEmitter {
  return (
    typeof target === "object" &&
    target !== null &&
    typeof (target as EventEmitter).emit === "function"
  );
}
