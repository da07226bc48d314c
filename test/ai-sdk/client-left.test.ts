import { once } from "node:events";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { serve } from "@hono/node-server";
import { SpanKind } from "@opentelemetry/api";
import { traceAI } from "@waybill/ai-sdk";
import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import * as ai from "ai";
import express from "express";
import { Hono } from "hono";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { settle, streamingModel } from "./mock-model.ts";
import type { StreamPart } from "./mock-model.ts";
import { inTurn, LONG_TEXT, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

const { streamText } = traceAI(ai);

let recording: Recording;
let scripted: ScriptedOpenAI;
let server: Server | undefined;
beforeEach(async () => {
  recording = startRecording();
  scripted = await startOpenAI(inTurn(LONG_TEXT));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await recording.stop();
  await scripted.server.close();
});

const answer = () => streamText({ model: scripted.openai("gpt-5"), prompt: "Hi" });

function chatUrl(): string {
  const { port } = (server as Server).address() as AddressInfo;
  return `http://127.0.0.1:${port}/chat`;
}

/** Asks, and leaves when the first piece of the answer is there. */
async function askAndLeave(): Promise<void> {
  const controller = new AbortController();
  const response = await fetch(chatUrl(), { signal: controller.signal });
  await response.body?.getReader().read();
  controller.abort();
}

async function startExpress(send: (response: ServerResponse) => unknown): Promise<void> {
  const app = express();
  app.use(traceExpress);
  app.get("/chat", async (_req, res) => {
    res.setHeader("content-type", "text/event-stream");
    await send(res);
  });
  // oxlint-disable-next-line typescript/no-misused-promises -- an Express app is a request listener
  server = createServer(app);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
}

async function startHono(respond: (c: Context) => Response): Promise<void> {
  const app = new Hono();
  app.use(traceHono);
  app.get("/chat", respond);
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, resolve) as Server;
  await promise;
}

/** The trace below the request's own span. */
async function treeBelow(): Promise<string> {
  await recording.idle();
  return spanTree(recording.spans().filter(({ kind }) => kind !== SpanKind.SERVER));
}

const CANCELLED = "\ninvoke_agent cancelled\n  chat gpt-5 cancelled\n";
const SUCCESS = "\ninvoke_agent\n  chat gpt-5\n";

describe("a client that leaves in the middle of the answer", () => {
  it.each([
    ["pipeTextStreamToResponse", (res: ServerResponse) => answer().pipeTextStreamToResponse(res)],
    [
      "pipeUIMessageStreamToResponse",
      (res: ServerResponse) => answer().pipeUIMessageStreamToResponse(res),
    ],
    [
      "a writer that waits for the client",
      async (res: ServerResponse) => {
        for await (const text of answer().textStream) {
          res.write(text);
          await new Promise(() => {});
        }
      },
    ],
  ])("cancels the operation on Express with %s", async (_name, send) => {
    await startExpress(send);

    await askAndLeave();
    expect(await treeBelow()).toBe(CANCELLED);
  });

  it.each([
    ["toTextStreamResponse", () => answer().toTextStreamResponse()],
    ["toUIMessageStreamResponse", () => answer().toUIMessageStreamResponse()],
  ])("cancels the operation on Hono with %s", async (_name, respond) => {
    await startHono(respond);

    await askAndLeave();
    expect(await treeBelow()).toBe(CANCELLED);
  });

  it("cancels the operation of a reader that waited, got its chunk, and then stops", async () => {
    const { promise: left, resolve: hasLeft } = Promise.withResolvers<void>();
    async function* parts(): AsyncGenerator<StreamPart> {
      yield { type: "text-start", id: "1" };
      yield { type: "text-delta", id: "1", delta: "one " };
      await left;
      yield { type: "text-delta", id: "1", delta: "two" };
      await new Promise(() => {});
    }
    await startExpress(async (res) => {
      const { textStream } = streamText({ model: streamingModel(parts), prompt: "Hi" });
      res.once("close", () => void settle().then(hasLeft));
      for await (const text of textStream) {
        res.write(text);
        if (text === "two") await new Promise(() => {});
      }
    });

    await askAndLeave();
    expect(await treeBelow()).toBe("\ninvoke_agent cancelled\n  chat m cancelled\n");
  });

  it("cancels an operation that starts when the client is gone", async () => {
    const controller = new AbortController();
    const { promise: answering, resolve: isAnswering } = Promise.withResolvers<void>();
    await startExpress(async (res) => {
      controller.abort();
      await once(res, "close");
      void answer().pipeTextStreamToResponse(res);
      isAnswering();
    });

    await expect(fetch(chatUrl(), { signal: controller.signal })).rejects.toThrow("aborted");
    await answering;
    expect(await treeBelow()).toBe(CANCELLED);
  });

  it("cancels the operation of a service that then aborts it", async () => {
    const answerUntil = (abortSignal: AbortSignal) =>
      streamText({ model: scripted.openai("gpt-5"), prompt: "Hi", abortSignal }).textStream;
    await startExpress(async (res) => {
      const left = new AbortController();
      res.once("close", () => left.abort());
      for await (const text of answerUntil(left.signal)) res.write(text);
    });

    await askAndLeave();
    expect(await treeBelow()).toBe(CANCELLED);

    await startHono((c) =>
      streamSSE(c, async (stream) => {
        const left = new AbortController();
        stream.onAbort(() => left.abort());
        for await (const data of answerUntil(left.signal)) await stream.writeSSE({ data });
      }),
    );
    await askAndLeave();
    expect(await treeBelow()).toBe(CANCELLED + CANCELLED.trimStart());
  });

  it("does not cancel an operation whose stream is read to its end all the same", async () => {
    await startExpress(async (res) => {
      for await (const text of answer().textStream) res.write(text);
      res.end();
    });

    await askAndLeave();
    expect(await treeBelow()).toBe(SUCCESS);
  });

  it("does not cancel an operation that drains for one of its promises", async () => {
    await startExpress(async (res) => {
      const result = answer();
      void result.text;
      await result.pipeTextStreamToResponse(res);
    });

    await askAndLeave();
    expect(await treeBelow()).toBe(SUCCESS);
  });
});
