import type { Request } from "express";

/** What is read of a router's layers. They are not part of Express's types. */
interface Layer {
  readonly route?: { readonly path?: unknown };
  readonly handle?: { readonly stack?: readonly Layer[] };

  /** The path it was mounted on; since router 2.3. */
  readonly rawPath?: unknown;
}

const MAX_ROUTER_DEPTH = 32;

/**
 * The template of the route that a request took (`/api/:tenant/orders/:id`), mount paths included; nothing if it took
 * none, or if the router does not tell how a mounted router was reached.
 *
 * `req.route.path` lacks the mount paths and `req.baseUrl` holds them filled in, so the route is looked up by identity
 * in the routers' layers.
 */
export function routeTemplate(req: Request): string | undefined {
  const route = req.route as Layer["route"];
  if (route === undefined) return undefined;

  const app = req.app as unknown as {
    readonly router?: { readonly stack?: readonly Layer[] };
    readonly path: () => string;
  };
  const template = findRoute(app.router?.stack ?? [], route, 0);
  return template === undefined ? undefined : join(app.path(), template);
}

function findRoute(stack: readonly Layer[], route: object, depth: number): string | undefined {
  if (depth > MAX_ROUTER_DEPTH) return undefined;
  for (const layer of stack) {
    if (layer.route === route) return pathText(layer.route?.path);
    const inner = layer.handle?.stack && findRoute(layer.handle.stack, route, depth + 1);
    const mount = inner === undefined ? undefined : pathText(layer.rawPath);
    if (inner !== undefined) return mount === undefined ? undefined : join(mount, inner);
  }
  return undefined;
}

function pathText(path: unknown): string | undefined {
  if (typeof path === "string") return path;
  if (path instanceof RegExp) return path.source;
  return Array.isArray(path) ? path.map(pathText).join("|") : undefined;
}

function join(mount: string, path: string): string {
  if (mount === "" || mount === "/") return path;
  return path === "/" ? mount : `${mount}${path}`;
}
