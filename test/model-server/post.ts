/** Sends a body as a client without a library would: an object as JSON, a text as it is. */
export function post(
  url: string,
  body: object | string,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  });
}
