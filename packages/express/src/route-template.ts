import { parseTarget } from "@waybill/core/http";
import type { Application, Request } from "express";

import { matchLayer, onlyTemplate } from "./layer-match.ts";
import type { Layer } from "./layer-match.ts";
import type { Routing } from "./routing.ts";

/** What is read of an application beside its types. */
interface App {
  /** The router of Express 4, where reading `router` throws. */
  readonly _router?: Router;
  readonly router?: Router;

  /** The application that it is mounted in. */
  readonly parent?: App;
}

interface Router {
  readonly stack?: readonly Layer[];
}

/**
 * The template of the route that a request took (`/api/:tenant/orders/:id`), mount paths included; nothing if it took
 * none, or if there are several ways to the route and it cannot be told which one was taken.
 *
 * `req.route.path` lacks the mount paths and `req.baseUrl` holds them filled in, so the route is looked up by identity
 * in the routers' layers, along those that match the request's path.
 *
 * @param rootApp The application in which the request is traced.
 */
export function routeTemplate(
  req: Request,
  rootApp: Application,
  routing: Routing,
  statusCode: number,
): string | undefined {
  const route = req.route as object | undefined;
  if (route === undefined || (statusCode === 404 && wasLeft(req, routing))) return undefined;

  const apps = appsBetween(rootApp as unknown as App, (routing.app ?? req.app) as unknown as App);
  const ways = waysTo(route, stackOf(rootApp as unknown as App), apps);
  const { path } = parseTarget(req.originalUrl);
  const templates = new Set(ways.flatMap((way) => templateAlong(way, path) ?? []));
  if (templates.size > 0) return theOnly(templates);
  // A middleware may have rewritten the path.
  return theOnly(new Set(ways.flatMap((way) => fixedTemplate(way) ?? [])));
}

/** Whether the handlers of the route have passed the request on, so that it was not the route that answered. */
function wasLeft(req: Request, { inRoute, failure }: Routing): boolean {
  const wasHandledByRouters = req.next !== undefined;
  return failure === undefined && (inRoute === false || !wasHandledByRouters);
}

/** The applications that are mounted in one another, from below `root` down to `innermost`. */
function appsBetween(root: App, innermost: App): App[] {
  const apps: App[] = [];
  for (let app: App | undefined = innermost; app !== undefined && app !== root; app = app.parent) {
    if (apps.includes(app)) break;
    apps.unshift(app);
  }
  return apps;
}

/** All ways to a route through the mounted routers and `apps`: the layers on it, the route's own at the end. */
function waysTo(
  route: object,
  stack: readonly Layer[],
  apps: readonly App[],
): (readonly Layer[])[] {
  const ways: (readonly Layer[])[] = [];
  const outer: (readonly Layer[])[] = [];
  const descend = (layers: readonly Layer[], way: readonly Layer[], depth: number): void => {
    // A router may be mounted within itself.
    if (outer.includes(layers)) return;
    outer.push(layers);
    for (const layer of layers) {
      if (layer.route !== undefined) {
        if (layer.route === route && depth === apps.length) ways.push([...way, layer]);
        continue;
      }
      const app = apps[depth];
      const isNextApp = app !== undefined && (layer.name === "mounted_app" || layer.handle === app);
      const inner = isNextApp ? stackOf(app) : (layer.handle as Router).stack;
      if (Array.isArray(inner)) descend(inner, [...way, layer], isNextApp ? depth + 1 : depth);
    }
    outer.pop();
  };
  descend(stack, [], 0);
  return ways;
}

/** The template of a way, if the path matches along it. */
function templateAlong(way: readonly Layer[], path: string): string | undefined {
  let template = "";
  let rest = path;
  for (const layer of way) {
    const match = matchLayer(layer, rest);
    if (match === undefined) return undefined;
    template = join(template, match.template);
    ({ rest } = match);
  }
  return template;
}

/** The template of a way, if it has only one, whatever the path. */
function fixedTemplate(way: readonly Layer[]): string | undefined {
  const templates = way.map(onlyTemplate);
  return templates.reduce((mount, template) =>
    mount === undefined || template === undefined ? undefined : join(mount, template),
  );
}

function theOnly(templates: ReadonlySet<string>): string | undefined {
  return templates.size === 1 ? templates.values().next().value : undefined;
}

function stackOf(app: App): readonly Layer[] {
  const { _router: router = app.router } = app;
  return router?.stack ?? [];
}

function join(mount: string, path: string): string {
  if (mount === "" || mount === "/") return path;
  return path === "/" ? mount : `${mount}${path}`;
}
