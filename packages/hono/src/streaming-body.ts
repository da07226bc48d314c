import type { Context } from "hono";

/**
 * Puts what `follow` makes of it in the place of the body of `c.res`, if that is produced while it is sent and nobody
 * reads it yet. Says whether it did.
 */
export function replaceStreamingBody(
  c: Context,
  follow: (body: ReadableStream) => ReadableStream,
): boolean {
  const { res } = c;
  if (c.req.method === "HEAD" || !isStreaming(res)) return false;
  if (res.body === null || res.bodyUsed || res.body.locked) return false;
  const replacement = new Response(follow(res.body), res);
  // Assigning over an existing response would merge the headers, and double those that may repeat.
  c.res = undefined;
  c.res = replacement;
  return true;
}

/**
 * Whether a response's body is produced while it is sent, so that its end is not yet known.
 *
 * Looked at from outside, a text and a stream are alike. The server for Node keeps what the response was made of, and
 * reading `body` would make it lose that; elsewhere the headers decide.
 */
function isStreaming(res: Response): boolean {
  const madeOf = nodeServerBody(res);
  if (madeOf !== undefined) return madeOf instanceof ReadableStream;
  if (res.body === null) return false;
  if (res.headers.has("transfer-encoding")) return true;
  const contentType = res.headers.get("content-type") ?? "";
  return (
    !res.headers.has("content-length") &&
    !/^(?:application\/json|text\/html)\s*(?:;|$)/.test(contentType)
  );
}

/** What a response of `@hono/node-server` was made of, if it still knows: `[status, body, headers]` under a symbol. */
function nodeServerBody(res: Response): unknown {
  const key = Object.getOwnPropertySymbols(res).find(({ description }) => description === "cache");
  const cache = key === undefined ? undefined : (res as unknown as Record<symbol, unknown>)[key];
  return Array.isArray(cache) ? cache[1] : undefined;
}
