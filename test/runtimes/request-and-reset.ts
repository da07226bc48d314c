import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** A `fetch` of little ability that leaves by resetting its connection, where `fetch` closes it. */
export async function requestAndReset(
  url: string,
  { headers, signal }: RequestInit,
): Promise<Response> {
  const outgoing = request(url, { headers: headers as Record<string, string>, agent: false });
  const leave = (): void => {
    outgoing.socket?.resetAndDestroy();
  };
  signal?.addEventListener("abort", leave);
  outgoing.end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  const reader = (Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: leave,
  });
  return new Response(body, { status: incoming.statusCode ?? 0 });
}
