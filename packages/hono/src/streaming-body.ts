import type { Context } from "hono";

/**
 * Whether the body of `c.res` is produced while it is sent, so that its end is not yet known.
 *
 * Looked at from outside, a text and a stream are alike. On Node the server keeps what the response was made of, and
 * reading `body` would make it lose that; elsewhere the headers decide.
 */
export function hasStreamingBody(c: Context, onNode: boolean): boolean {
  const { res } = c;
  if (c.req.method === "HEAD") return false;
  if (onNode) {
    const madeOf = nodeServerBody(res);
    if (madeOf !== undefined) return madeOf instanceof ReadableStream;
  }
  if (res.body === null) return false;
  if (res.headers.has("transfer-encoding")) return true;
  const contentType = res.headers.get("content-type") ?? "";
  return (
    !res.headers.has("content-length") && !/^(?:application\/json|text\/html)\b/.test(contentType)
  );
}

/** What a response of `@hono/node-server` was made of, if it still knows: `[status, body, headers]` under a symbol. */
function nodeServerBody(res: Response): unknown {
  const key = Object.getOwnPropertySymbols(res).find(({ description }) => description === "cache");
  const cache = key === undefined ? undefined : (res as unknown as Record<symbol, unknown>)[key];
  return Array.isArray(cache) ? cache[1] : undefined;
}
