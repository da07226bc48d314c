import { createContextKey } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { parseTarget } from "@waybill/core/http";

const TRACED_REQUEST = createContextKey("waybill hono request");

/** A context in which a request is traced already. Contexts outlive requests: it holds on to none. */
export function contextWithTracedRequest(context: Context, request: Request): Context {
  return context.setValue(TRACED_REQUEST, new WeakRef(request));
}

/** The request that is traced in this context, if there is one. */
export function tracedRequest(context: Context): Request | undefined {
  return (context.getValue(TRACED_REQUEST) as WeakRef<Request> | undefined)?.deref();
}

/**
 * Whether a request is `outer`, handed on to a mounted app. `app.mount()` makes a new `Request` for that, of which
 * everything is the same but for the beginning of the path.
 */
export function isSameRequest(request: Request, outer: Request): boolean {
  if (request === outer) return true;
  const [inner, whole] = [parseTarget(request.url), parseTarget(outer.url)];
  const innerPath = inner.path.toLowerCase();
  return (
    request.method === outer.method &&
    inner.authority === whole.authority &&
    inner.query === whole.query &&
    (innerPath === "/" || whole.path.toLowerCase().endsWith(innerPath)) &&
    JSON.stringify([...request.headers]) === JSON.stringify([...outer.headers])
  );
}
