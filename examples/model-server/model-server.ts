import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Context } from "hono";

import { ApiError, streamFailure, toApiError } from "./api-error.ts";
import { chatCompletions } from "./chat-completions.ts";
import type { ModelScript } from "./model-script.ts";
import type { Ids, Protocol } from "./protocol.ts";
import { responses } from "./responses.ts";
import { sendEvents } from "./send-events.ts";

export type {
  ModelMessage,
  ModelReply,
  ModelScript,
  ModelToolCall,
  ModelTurn,
  ModelUsage,
} from "./model-script.ts";

/** Options of {@link startModelServer}. */
export interface ModelServerOptions {
  readonly script: ModelScript;

  /**
   * How long the model waits between two pieces of a stream, in milliseconds.
   *
   * @default 0
   */
  readonly chunkDelayMs?: number;

  /**
   * The port of the loopback interface to listen on, 0 for a free one.
   *
   * @default 0
   */
  readonly port?: number;
}

/** A server that speaks OpenAI's HTTP protocol and says what its script says. */
export interface ModelServer {
  /** Ends in `/v1`, as clients want it. */
  readonly baseUrl: string;

  /** The last 1000 requests, also those that were refused, the oldest first. */
  readonly requests: readonly RecordedRequest[];

  /** How many streams their readers left before the end. */
  readonly abortedStreams: number;

  /** Closes every connection, also in the middle of a stream, and stops listening. */
  readonly close: () => Promise<void>;
}

/** A request as it arrived. */
export interface RecordedRequest {
  readonly path: string;

  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;

  /** What was parsed; `undefined` if it is no JSON. */
  readonly body: unknown;
}

const MAX_REQUESTS = 1000;

/**
 * Starts a stand-in for OpenAI at 127.0.0.1: chat completions and responses, whole and streamed. The key is not checked,
 * ids are counted and times are fixed, so that the same requests in the same order get the same answers. Rejects if the
 * port is taken.
 */
export async function startModelServer({
  script,
  chunkDelayMs = 0,
  port = 0,
}: ModelServerOptions): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  const ids = countingIds();
  let abortedStreams = 0;
  let closing = false;

  const answer = (protocol: Protocol) => async (c: Context<ServerEnv>) => {
    const { body, requestId } = c.var;
    if (body === undefined) {
      throw new ApiError(400, "We could not parse the JSON body of your request.");
    }
    const { turn, json, events } = protocol(body);

    const reply = await script(turn);
    if (reply.type === "error") {
      const { status, message, code, headers } = reply;
      return c.json(new ApiError(status, message, { code }).body, status, { ...headers });
    }
    if (!turn.stream) {
      if (reply.type === "stream-error") throw streamFailure(reply);
      return c.json(json(reply));
    }
    const complete = await sendEvents(c.env.outgoing, [...events(reply)], {
      pieceDelayMs: chunkDelayMs,
      breakConnection: reply.type === "stream-error",
      headers: { "x-request-id": requestId },
    });
    if (!complete && !closing) abortedStreams += 1;
    return RESPONSE_ALREADY_SENT;
  };

  const app = new Hono<ServerEnv>();
  app.use(async (c, next) => {
    const body = parseJson(await c.req.text());
    requests.push({ path: c.req.path, headers: c.req.header(), body });
    if (requests.length > MAX_REQUESTS) requests.shift();
    const requestId = ids("req_");
    c.set("body", body);
    c.set("requestId", requestId);
    c.header("x-request-id", requestId);
    await next();
  });
  app.post("/v1/chat/completions", answer(chatCompletions(ids)));
  app.post("/v1/responses", answer(responses(ids)));
  app.notFound((c) => {
    throw new ApiError(404, `Invalid URL (${c.req.method} ${c.req.path})`);
  });
  app.onError((error, c) => {
    const { status, body } = toApiError(error);
    return c.json(body, status);
  });

  // The application that is tested in this process keeps its own `Request` and `Response`.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get abortedStreams() {
      return abortedStreams;
    },
    close: () =>
      new Promise((closed) => {
        closing = true;
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

interface ServerEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: { readonly body: unknown; readonly requestId: string };
}

function countingIds(): Ids {
  const counts = new Map<string, number>();
  return (prefix) => {
    const count = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, count);
    return `${prefix}${count}`;
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
