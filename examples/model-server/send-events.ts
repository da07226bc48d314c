import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";

import type { ServerSentEvent } from "./protocol.ts";

/** Options of {@link sendEvents}. */
export interface SendEventsOptions {
  /** How long to wait between two pieces, in milliseconds. */
  readonly pieceDelayMs: number;

  /** Break the connection after the last event, instead of ending the response. */
  readonly breakConnection: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers with a stream of events. Each piece is written in a turn of the event loop of its own, also without a delay.
 * Stops at once when the connection closes, and resolves to whether all was written.
 */
export async function sendEvents(
  response: ServerResponse,
  events: Iterable<ServerSentEvent>,
  { pieceDelayMs, breakConnection, headers }: SendEventsOptions,
): Promise<boolean> {
  if (response.destroyed) return false;
  const closing = new AbortController();
  const { signal } = closing;
  response.once("close", () => closing.abort());

  response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8" });
  let begun = false;
  try {
    for (const event of events) {
      if (event.isPiece) {
        if (begun) await setTimeout(pieceDelayMs, undefined, { signal });
        begun = true;
      }
      if (!response.write(encode(event))) await once(response, "drain", { signal });
    }
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }

  // Flushes what was written, and closes without the chunk that ends a response.
  if (breakConnection) response.socket?.destroySoon();
  else response.end();
  return true;
}

function encode({ event, data }: ServerSentEvent): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}
