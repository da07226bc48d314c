import { AsyncLocalStorage } from "node:async_hooks";

import { createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Context, ContextManager } from "@opentelemetry/api";
import { attempt, reportFailure } from "@waybill/core";

/** Makes a context the active one for the rest of the current asynchronous execution. */
export type Attach = (context: Context) => void;

/** What a registered context manager may offer beyond OpenTelemetry's interface, by its kind and version. */
type Manager = ContextManager & {
  readonly attach?: (context: Context) => unknown;
  readonly _asyncLocalStorage?: { readonly enterWith?: (context: Context) => void };
};

const OPENTELEMETRY = Symbol.for("opentelemetry.js.api.1");
const MARK = createContextKey("waybill attach test");
const testedManagers = new WeakMap<Manager, Attach | undefined>();

/**
 * How to attach a context here; `undefined` where that is not possible, which is reported.
 *
 * A manager is tested when it is first met. For that call, too, the answer is `undefined`: on Node 20 and 22 a first use
 * of `AsyncLocalStorage` inside a run comes too late for that run, whose context would then stay active for good.
 */
export function contextAttach(): Attach | undefined {
  const manager = registeredManager();
  if (manager === undefined) {
    reportUnavailable("no context manager is registered");
    return undefined;
  }
  if (testedManagers.has(manager)) return testedManagers.get(manager);
  testedManagers.set(manager, testedAttach(manager));
  return undefined;
}

/** Tests the registered context manager ahead of the first run, so that the first run can be made active already. */
export function prepareAttach(): void {
  if (registeredManager() !== undefined) contextAttach();
}

/** The same one whichever copy of OpenTelemetry's API is imported. */
function registeredManager(): Manager | undefined {
  const api = (globalThis as { [OPENTELEMETRY]?: { context?: Manager } })[OPENTELEMETRY];
  return api?.context;
}

function testedAttach(manager: Manager): Attach | undefined {
  const attach = attachOf(manager);
  if (attach === undefined) {
    reportUnavailable("the registered context manager has no `attach`");
    return undefined;
  }
  if (attempt("a context could not be attached", () => persists(manager, attach)) === true) {
    return attach;
  }
  reportUnavailable("this runtime does not keep an attached context");
  return undefined;
}

function attachOf(manager: Manager): Attach | undefined {
  if (typeof manager.attach === "function") {
    // The token is thrown away: to dispose of it would restore an older context in whatever frame happens to run.
    return (context) => void manager.attach?.(context);
  }
  // oxlint-disable-next-line eslint/no-underscore-dangle -- how OpenTelemetry's own manager calls it
  const storage = manager._asyncLocalStorage;
  if (typeof storage?.enterWith === "function") return (context) => storage.enterWith?.(context);
  return undefined;
}

/** Whether what is attached stays active when another storage's scope is left, as LangChain's is around a handler. */
function persists(manager: Manager, attach: Attach): boolean {
  return manager.with(ROOT_CONTEXT.setValue(MARK, "outer"), () => {
    new AsyncLocalStorage().run({}, () => attach(ROOT_CONTEXT.setValue(MARK, "attached")));
    return manager.active().getValue(MARK) === "attached";
  });
}

function reportUnavailable(reason: string): void {
  reportFailure(
    `the code inside LangChain runs cannot see their spans as active, because ${reason}; the spans themselves are complete`,
  );
}
