import { nodeResponseHeader } from "./node-response-header.ts";
import type { ResponseEnd } from "./response-end.ts";

/** A request that came over a connection, and its response, as `node:http` and `node:http2` have them. */
export interface NodeExchange {
  readonly incoming: NodeRequest;
  readonly outgoing: NodeResponse;
}

/** What is read of Node's request. */
export interface NodeRequest {
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly socket: NodeSocket;
}

/** What is read of Node's response. */
export interface NodeResponse {
  readonly headersSent: boolean;
  readonly statusCode: number;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly destroyed?: boolean;
  readonly errored?: Error | null;
  readonly getHeader: (name: string) => number | string | readonly string[] | undefined;
  readonly prependOnceListener: (event: "close", listener: () => void) => unknown;

  /** Of HTTP/2 only. Its responses share a connection, and tell of themselves by their stream. */
  readonly stream?: { readonly destroyed?: boolean; readonly errored?: Error | null };

  /** Of HTTP/1 only: the headers as they were sent. */
  readonly _header?: string | null;
}

interface NodeSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly destroyed?: boolean;
  readonly readableEnded?: boolean;
  readonly errored?: Error | null;
}

const TRACED = Symbol.for("waybill.http.traced");

/**
 * Claims a request for whoever traces it, and says whether it was still free: of all the middlewares that it passes, in
 * whichever frameworks, one traces it.
 */
export function claimRequest(incoming: NodeRequest): boolean {
  const claimable = incoming as { [TRACED]?: true };
  if (claimable[TRACED] === true) return false;
  claimable[TRACED] = true;
  return true;
}

/** Whether a response is over, so that its `close` event may already have been. */
export function isOver({ destroyed, stream }: NodeResponse): boolean {
  return destroyed === true || stream?.destroyed === true;
}

/**
 * How a response ended that is over.
 *
 * @param failure What is known to have failed. Without it, the response's own error counts.
 */
export function nodeResponseEnd(
  { incoming, outgoing }: NodeExchange,
  failure: ResponseEnd["failure"] = ownFailure(incoming, outgoing),
): ResponseEnd {
  return {
    statusCode: outgoing.headersSent ? outgoing.statusCode : undefined,
    eventStream: isEventStream(outgoing),
    failure,
    clientLeft: failure === undefined && !isComplete(outgoing),
  };
}

function ownFailure({ socket }: NodeRequest, outgoing: NodeResponse): ResponseEnd["failure"] {
  const { errored: error, stream } = outgoing;
  const clientLeft =
    socket.readableEnded === true ||
    (socket.errored !== error && errorCode(socket.errored) !== undefined);
  // A response that waits behind another one on the connection of a client that left gets an error for it.
  if (clientLeft && errorCode(error) === "ECONNRESET") return undefined;

  // Deno leaves the error that a response was destroyed with on the socket alone.
  const cause = error ?? stream?.errored ?? (clientLeft ? undefined : socket.errored);
  if (cause != null) return { error: cause };
  const wasCutOff = socket.destroyed === true && stream === undefined && !clientLeft;
  return wasCutOff && !isComplete(outgoing) ? {} : undefined;
}

/** Errors of the network have a code. */
function errorCode(error: Error | null | undefined): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}

function isComplete({ writableEnded, writableFinished }: NodeResponse): boolean {
  return writableEnded && writableFinished;
}

function isEventStream(outgoing: NodeResponse): boolean {
  const contentType = [nodeResponseHeader(outgoing, "content-type")].flat()[0];
  return contentType?.toLowerCase().startsWith("text/event-stream") === true;
}
