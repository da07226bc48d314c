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
  if (c.req.method === "HEAD") return false;
  // The server for Node keeps what a response was made of. To read `body` would make it lose that, and answer otherwise.
  const madeOf = nodeServerBody(res);
  const body = madeOf === undefined ? streamedBody(res) : madeOf;
  if (!(body instanceof ReadableStream) || body.locked) return false;
  const { status, statusText } = res;
  const headers = new Headers(res.headers);
  const replacement = new Response(follow(body), { status, statusText, headers });
  // Assigning over an existing response would merge the headers, and double those that may repeat.
  c.res = undefined;
  c.res = replacement;
  return true;
}

/**
 * The body of a response, if it is produced while it is sent, so that its end is not yet known. Looked at from outside, a
 * text and a stream are alike: the headers decide.
 */
function streamedBody(res: Response): ReadableStream | null {
  if (res.body === null || res.bodyUsed) return null;
  if (res.headers.has("transfer-encoding")) return res.body;
  const contentType = res.headers.get("content-type") ?? "";
  const isWhole =
    res.headers.has("content-length") ||
    /^(?:application\/json|text\/html)\s*(?:;|$)/.test(contentType);
  return isWhole ? null : res.body;
}

/** What a response of `@hono/node-server` was made of, if it still knows: `[status, body, headers]` under a symbol. */
export function nodeServerBody(res: Response): unknown {
  const key = Object.getOwnPropertySymbols(res).find(({ description }) => description === "cache");
  const cache = key === undefined ? undefined : (res as unknown as Record<symbol, unknown>)[key];
  return Array.isArray(cache) ? cache[1] : undefined;
}
