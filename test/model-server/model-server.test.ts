import { afterEach, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type { ModelServer } from "../../examples/model-server/model-server.ts";
import { post } from "./post.ts";

const CHAT = { model: "gpt-5", messages: [{ role: "user", content: "Where is it?" }] };
const STREAM = { ...CHAT, stream: true };

const { Request, Response } = globalThis;

let server: ModelServer;
afterEach(() => server.close());

describe("the model server", () => {
  it("counts the ids of each kind, and gives the same requests the same answers", async () => {
    const answers: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      server = await startModelServer({ script: () => ({ type: "text", text: "On its way." }) });
      const bodies = [CHAT, STREAM, CHAT].map((body) =>
        post(`${server.baseUrl}/chat/completions`, body).then((response) => response.text()),
      );
      answers.push((await Promise.all(bodies)).toSorted().join("\n"));
      await server.close();
    }

    expect(answers[0]).toBe(answers[1]);
    expect(new Set(answers[0]?.match(/chatcmpl-\d/g))).toEqual(
      new Set(["chatcmpl-1", "chatcmpl-2", "chatcmpl-3"]),
    );
  });

  it("records requests as they arrive, also those that it refuses", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "On its way." }) });

    for (const [path, body] of [
      ["/chat/completions", CHAT],
      ["/responses", "{"],
      ["/embeddings", { input: "x" }],
    ] as const) {
      await post(server.baseUrl + path, body);
    }

    expect(server.requests.map(({ path, body }) => [path, body])).toEqual([
      ["/v1/chat/completions", CHAT],
      ["/v1/responses", undefined],
      ["/v1/embeddings", { input: "x" }],
    ]);
    expect(server.requests[0]?.headers).toMatchObject({ "content-type": "application/json" });
  });

  it("keeps the last 1000 requests", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "" }) });

    for (let index = 0; index < 1003; index += 1) {
      await post(`${server.baseUrl}/chat/completions`, { ...CHAT, index }).then((response) =>
        response.text(),
      );
    }

    expect(server.requests).toHaveLength(1000);
    expect(server.requests[0]?.body).toMatchObject({ index: 3 });
    expect(server.requests.at(-1)?.body).toMatchObject({ index: 1002 });
  });

  it("forgets all output items but the last 1000", async () => {
    const calls = Array.from({ length: 999 }, () => ({ name: "look_up", arguments: {} }));
    server = await startModelServer({ script: () => ({ type: "tool-calls", text: "Hm.", calls }) });
    const url = `${server.baseUrl}/responses`;
    const refer = (id: string) =>
      post(url, { model: "gpt-5", store: false, input: [{ type: "item_reference", id }] });
    await post(url, { model: "gpt-5", input: "Hello" });
    const before = await refer("msg_1");

    await post(url, { model: "gpt-5", input: "Hello" });

    const after = [await refer("msg_1"), await refer("fc_999"), await refer("msg_3")];
    expect(before.status).toBe(200);
    expect(after.map(({ status }) => status)).toEqual([404, 404, 200]);
  });

  it("remembers no items of a request that says not to store them", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "On its way." }) });
    const url = `${server.baseUrl}/responses`;
    await post(url, { model: "gpt-5", input: "Hello", store: false });

    const response = await post(url, {
      model: "gpt-5",
      input: [{ type: "item_reference", id: "msg_1" }],
    });

    expect(response.status).toBe(404);
  });

  it("stops a stream at once when its reader leaves, and counts it", async () => {
    server = await startModelServer({
      script: () => ({ type: "text", text: "On its way." }),
      chunkDelayMs: 60_000,
    });
    const controller = new AbortController();
    const url = `${server.baseUrl}/chat/completions`;
    const response = await post(url, STREAM, controller.signal);
    await response.body?.getReader().read();

    controller.abort();

    await expect.poll(() => server.abortedStreams).toBe(1);
  });

  it("stops a stream that its reader does not read when the reader leaves", async () => {
    const text = "x".repeat(16_000_000);
    server = await startModelServer({ script: () => ({ type: "text", text }) });
    const controller = new AbortController();
    await post(`${server.baseUrl}/chat/completions`, STREAM, controller.signal);

    controller.abort();

    await expect.poll(() => server.abortedStreams).toBe(1);
  });

  it("counts a stream whose reader leaves before the script replies", async () => {
    const asked = Promise.withResolvers<void>();
    const replied = Promise.withResolvers<void>();
    server = await startModelServer({
      async script({ stream }) {
        asked.resolve();
        if (stream) await replied.promise;
        return { type: "text", text: "On its way." };
      },
    });
    const controller = new AbortController();
    const url = `${server.baseUrl}/chat/completions`;
    const asking = post(url, STREAM, controller.signal);
    await asked.promise;

    controller.abort();
    await expect(asking).rejects.toThrow("aborted");
    await post(url, CHAT);
    replied.resolve();

    await expect.poll(() => server.abortedStreams).toBe(1);
  });

  it("counts no stream that was read to its end", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "On its way." }) });

    const response = await post(`${server.baseUrl}/chat/completions`, STREAM);
    await response.text();
    await server.close();

    expect(server.abortedStreams).toBe(0);
  });

  it("closes in the middle of a stream, and of a script, and twice", async () => {
    const asked = Promise.withResolvers<void>();
    server = await startModelServer({
      script: ({ stream }) => {
        if (stream) return { type: "text", text: "On its way." };
        asked.resolve();
        return new Promise(() => {});
      },
      chunkDelayMs: 60_000,
    });
    const url = `${server.baseUrl}/chat/completions`;
    const streaming = await post(url, STREAM);
    const waiting = post(url, CHAT);
    await asked.promise;

    await Promise.all([expect(waiting).rejects.toThrow("fetch failed"), server.close()]);
    await server.close();

    await expect(streaming.text()).rejects.toThrow("terminated");
    await expect(post(url, CHAT)).rejects.toThrow("fetch failed");
    expect(server.abortedStreams).toBe(0);
  });

  it("listens on the port that it is given, and rejects if it is taken", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "" }) });
    const port = Number(new URL(server.baseUrl).port);

    const second = startModelServer({ script: () => ({ type: "text", text: "" }), port });

    expect(server.baseUrl).toBe(`http://127.0.0.1:${port}/v1`);
    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("leaves the process's own Request and Response alone", async () => {
    server = await startModelServer({ script: () => ({ type: "text", text: "" }) });

    expect(globalThis.Request).toBe(Request);
    expect(globalThis.Response).toBe(Response);
  });
});
