import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";

import { chatCompletions } from "./chat-completions.ts";
import type { ModelScript } from "./model-script.ts";
import type { Protocol } from "./protocol.ts";
import { responses } from "./responses.ts";

export type { ModelReply, ModelScript, ModelTurn, ModelUsage } from "./model-script.ts";

/** Options of {@link startModelServer}. */
export interface ModelServerOptions {
  readonly script: ModelScript;

  /**
   * How long the model waits before each piece of a stream, in milliseconds.
   *
   * @default 0
   */
  readonly chunkDelayMs?: number;
}

/** A server that speaks OpenAI's HTTP protocol and says what its script says. */
export interface ModelServer {
  /** Ends in `/v1`, as clients want it. */
  readonly baseUrl: string;

  /** The bodies of the last 1000 requests. */
  readonly requests: readonly unknown[];

  /** How many streams their readers left. */
  readonly abortedStreams: () => number;
  readonly close: () => Promise<void>;
}

const MAX_REQUESTS = 1000;

/** Starts a stand-in for OpenAI on a free port of the loopback interface. */
export async function startModelServer({
  script,
  chunkDelayMs = 0,
}: ModelServerOptions): Promise<ModelServer> {
  const requests: unknown[] = [];
  const counts = new Map<string, number>();
  let abortedStreams = 0;
  const ids = (prefix: string): string => {
    const count = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, count);
    return `${prefix}${count}`;
  };

  const answer = (protocol: Protocol) => async (c: Context) => {
    let body: unknown;
    let turn;
    try {
      body = await c.req.json();
      turn = protocol.parse(body);
    } catch (error) {
      return c.json(errorBody("invalid_request_error", null, String(error)), 400);
    }
    requests.push(body);
    if (requests.length > MAX_REQUESTS) requests.shift();

    const reply = await script(turn);
    if (reply.type === "error")
      return c.json(errorBody("api_error", reply.code, reply.message), reply.status);
    if (!turn.stream) return c.json(protocol.json(reply, turn, ids));
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => {
        abortedStreams += 1;
      });
      for (const event of protocol.events(reply, turn, ids)) {
        await stream.sleep(chunkDelayMs);
        if (stream.aborted) return;
        await stream.writeSSE(event);
      }
    });
  };

  const app = new Hono();
  app.post("/v1/chat/completions", answer(chatCompletions));
  app.post("/v1/responses", answer(responses));
  app.notFound((c) =>
    c.json(errorBody("invalid_request_error", null, `Unknown URL ${c.req.path}`), 404),
  );

  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, resolve) as Server;
  const { port } = await promise;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    abortedStreams: () => abortedStreams,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function errorBody(type: string, code: string | null, message: string): object {
  return { error: { message, type, param: null, code } };
}
