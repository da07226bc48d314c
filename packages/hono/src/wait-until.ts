import { trace } from "@opentelemetry/api";
import { attempt, reportFailure } from "@waybill/core";
import type { Context } from "hono";

/** These run until they are stopped. To ask Hono for an `executionCtx` that is not there costs an exception. */
const NEVER_SLEEPS = "Bun" in globalThis || "Deno" in globalThis;

/**
 * Keeps a runtime awake that sleeps as soon as a request was answered (Cloudflare Workers), by the `waitUntil` of Hono's
 * `executionCtx`.
 *
 * @returns What to call when the request's span has ended. The runtime may sleep once all that ended by then is exported.
 */
export function keepAwake(c: Context): () => void {
  const executionContext = NEVER_SLEEPS ? undefined : executionContextOf(c);
  if (executionContext === undefined) return () => {};

  const { promise, resolve } = Promise.withResolvers<void>();
  attempt("the runtime could not be kept awake", () =>
    executionContext.waitUntil(promise.then(flushSpans)),
  );
  return resolve;
}

/** Hono throws where there is none. */
function executionContextOf(c: Context): Context["executionCtx"] | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}

async function flushSpans(): Promise<void> {
  try {
    const provider = trace.getTracerProvider() as Flushable & { getDelegate?: () => Flushable };
    await (provider.getDelegate?.() ?? provider).forceFlush?.();
  } catch (error) {
    reportFailure("spans could not be exported at the end of a request", error);
  }
}

/** What a tracer provider can do beyond OpenTelemetry's interface. */
interface Flushable {
  forceFlush?(): Promise<void>;
}
