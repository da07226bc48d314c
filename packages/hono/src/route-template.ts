import { attempt } from "@waybill/core";
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";

type MatchedRoute = ReturnType<typeof matchedRoutes>[number];

/**
 * The template of the route that answered a request (`/orders/:id`); nothing if none did.
 *
 * Hono matches all entries up front, middleware among them, and does not say which are which. What answered is the
 * entry that was dispatched last if it is a route, else the route behind it that a middleware kept from answering.
 */
export function routeTemplate(c: Context, statusCode: number | undefined): string | undefined {
  return attempt("the route of a request could not be found", () => {
    const matched = matchedRoutes(c);
    const current = matched[c.req.routeIndex];
    if (current !== undefined && isRoute(current, matched)) {
      return statusCode === 404 && takesNext(current) ? undefined : current.path;
    }
    const kept = matched.slice(c.req.routeIndex + 1).find((entry) => isRoute(entry, matched));
    return kept?.path ?? (statusCode === 404 ? undefined : current?.path);
  });
}

/** A route is the last entry of its method and path, and no middleware: those are for all methods, and take `next`. */
function isRoute(entry: MatchedRoute, matched: readonly MatchedRoute[]): boolean {
  const last = matched.findLast(
    ({ method, path }) => method === entry.method && path === entry.path,
  );
  if (last !== entry || isCatchAll(entry)) return false;
  return entry.method !== "ALL" || !(takesNext(entry) || entry.path.endsWith("*"));
}

/** Whether what was given to Hono may pass a request on: beside `c` it takes `next`. */
function takesNext({ handler }: MatchedRoute): boolean {
  const { __COMPOSED_HANDLER: composed } = handler as { __COMPOSED_HANDLER?: unknown };
  return (typeof composed === "function" ? composed : handler).length > 1;
}

function isCatchAll({ path }: MatchedRoute): boolean {
  return path === "/*" || path === "*";
}
