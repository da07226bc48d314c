/** A layer of a router: a middleware, a mounted router or a route. Layers are not part of Express's types. */
export interface Layer {
  readonly name?: string;
  readonly handle?: unknown;
  readonly route?: { readonly path?: unknown };

  /** The path or paths that it was given. Since router 2.3; before that, only a route knows its own. */
  readonly rawPath?: unknown;

  /** In router 2: whether it matches any path. */
  readonly slash?: boolean;

  /** In router 2: one for each path. */
  readonly matchers?: readonly ((path: string) => Omit<PathMatch, "pattern"> | false)[];

  /** In Express 4: all paths in one. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
}

/** How a layer matched a path. */
export interface LayerMatch {
  readonly template: string;

  /** What is left of the path for a mounted router. */
  readonly rest: string;
}

interface PathMatch {
  /** The part of the path that matched. */
  readonly path: string;
  readonly params: Readonly<Record<string, string | undefined>>;

  /** The pattern that matched, if it is known. */
  readonly pattern: unknown;
}

/** Matches any parameter, one of digits included. */
const PROBE = "8126530947";

/** How a layer matches a path. Nothing if it does not, or if the template cannot be told. */
export function matchLayer(layer: Layer, path: string): LayerMatch | undefined {
  if (matchesAny(layer)) return { template: "", rest: path };
  const match = matchPath(layer, path);
  if (match === undefined || !path.startsWith(match.path)) return undefined;

  const rest = path.slice(match.path.length);
  const endsASegment = rest === "" || rest.startsWith("/") || match.path.endsWith("/");
  const template = patternText(match.pattern) ?? probedTemplate(layer, match);
  if (!endsASegment || template === undefined) return undefined;
  return { template, rest: rest.startsWith("/") ? rest : `/${rest}` };
}

/** The one template of a layer, whatever the path. Nothing if it has several or does not tell. */
export function onlyTemplate(layer: Layer): string | undefined {
  return matchesAny(layer) ? "" : patternText(layer.rawPath ?? layer.route?.path);
}

function matchesAny({ slash, regexp }: Layer): boolean {
  return slash === true || regexp?.fast_slash === true;
}

function matchPath(layer: Layer, path: string): PathMatch | undefined {
  const { matchers = [], regexp, keys = [] } = layer;
  const patterns = [layer.rawPath ?? layer.route?.path].flat();
  try {
    for (const [index, matcher] of matchers.entries()) {
      const match = matcher(path);
      if (match !== false) return { ...match, pattern: patterns[index] };
    }
  } catch {
    // A parameter that cannot be decoded: the router has answered with 400.
    return undefined;
  }
  const match = regexp?.exec(path);
  if (match == null) return undefined;
  const params = Object.fromEntries(keys.map(({ name }, index) => [name, match[index + 1]]));
  return { path: match[0], params, pattern: patterns.length === 1 ? patterns[0] : undefined };
}

/**
 * The template of a layer that knows only how to match: a segment that may differ is a parameter, called what the
 * parameter is called that differs with it.
 */
function probedTemplate(layer: Layer, { path, params }: PathMatch): string | undefined {
  if (isRegExp(layer)) return undefined;
  const segments = path.replace(/\/$/, "").split("/");
  const missing = new Set(Object.keys(params).filter((name) => params[name] !== undefined));
  const template = segments.map((segment, index) => {
    const probe =
      segment === "" ? undefined : matchPath(layer, segments.with(index, PROBE).join("/"));
    if (probe === undefined) return segment;
    const name = Object.keys(probe.params).find((key) => probe.params[key] === PROBE) ?? "";
    return missing.delete(name) ? `:${name}` : undefined;
  });
  return missing.size > 0 || template.includes(undefined) ? undefined : template.join("/");
}

function isRegExp({ matchers, regexp }: Layer): boolean {
  if (matchers !== undefined) return matchers.some(({ name }) => name === "regexpMatcher");
  const source = regexp?.source ?? "";
  // What Express 4 makes of a path that is text, for a route and for a mount.
  return !source.endsWith("\\/?$") && !source.endsWith("(?=\\/|$)");
}

function patternText(pattern: unknown): string | undefined {
  if (typeof pattern === "string") return pattern;
  return pattern instanceof RegExp ? pattern.source : undefined;
}
