import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

type MatchedRoute = ReturnType<typeof matchedRoutes>[number];

/**
 * The template of the route that answered a request (`/orders/:id`); nothing if none did.
 *
 * Hono matches all entries up front, middleware among them, and does not say which are which. What answered is the
 * entry that was dispatched last if it is a handler, else the handler that a middleware kept from answering.
 */
export function routeTemplate(c: Context, statusCode: number): string | undefined {
  const matched = matchedRoutes(c);
  const current = matched[c.req.routeIndex];
  const isRoute = (entry: MatchedRoute): boolean => isHandler(entry, matched) && !isCatchAll(entry);

  if (current !== undefined && isRoute(current)) return current.path;
  const kept = matched.find(isRoute);
  if (kept !== undefined) return kept.path;
  return statusCode === 404 ? undefined : current?.path;
}

/** A handler is the last entry of its method and path, and takes no `next`. */
function isHandler(entry: MatchedRoute, matched: readonly MatchedRoute[]): boolean {
  const last = matched.findLast(
    ({ method, path }) => method === entry.method && path === entry.path,
  );
  if (last !== entry) return false;
  const { __COMPOSED_HANDLER: composed } = entry.handler as { __COMPOSED_HANDLER?: unknown };
  const handler = typeof composed === "function" ? composed : entry.handler;
  return entry.method !== "ALL" || handler.length < 2;
}

function isCatchAll({ path }: MatchedRoute): boolean {
  return path === "/*" || path === "*";
}
