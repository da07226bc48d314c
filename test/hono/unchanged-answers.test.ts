import { serve } from "@hono/node-server";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
  // The server for Node writes the errors of streams to the console.
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(async () => {
  vi.restoreAllMocks();
  await recording.stop();
});

function app(traced: boolean): Hono {
  const hono = new Hono();
  if (traced) hono.use(traceMiddleware());
  hono.get("/pull", () => {
    const body = new ReadableStream({
      pull() {
        throw new Error("a secret");
      },
    });
    return new Response(body);
  });
  hono.get("/generator", () => new Response(ReadableStream.from(failing())));
  hono.get("/text", (c) => c.text("hello"));
  return hono;
}

// oxlint-disable-next-line require-yield -- it fails before it gives anything
async function* failing(): AsyncGenerator<Uint8Array> {
  throw new Error("a secret");
}

/** What a client gets over HTTP: status, length and body, or how it was broken off. */
async function answer(hono: Hono, path: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = serve({ fetch: hono.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
    resolve(port),
  );
  try {
    const response = await fetch(`http://127.0.0.1:${await promise}${path}`);
    const body = await response.text().catch(() => "broken off");
    return [response.status, response.headers.get("content-length"), body];
  } catch {
    return "no answer";
  } finally {
    server.close();
  }
}

describe("a client of a traced app", () => {
  it.each(["/pull", "/generator", "/text"])("gets of %s what it gets without us", async (path) => {
    const untraced = await answer(app(false), path);

    expect(await answer(app(true), path)).toEqual(untraced);
    expect(JSON.stringify(untraced)).not.toContain("secret");
  });

  it("gets its own trace in Server-Timing, also of a response that all share", async () => {
    const shared = new Response(null, { status: 204 });
    const hono = new Hono();
    hono.use(traceMiddleware({ serverTiming: true }));
    hono.get("/", () => shared);
    const timings = [await hono.request("/"), await hono.request("/")].map(({ headers }) =>
      headers.get("server-timing"),
    );

    expect(new Set(timings).size).toBe(2);
    for (const timing of timings) expect(timing).toMatch(/^trace;desc="00-[0-9a-f]{32}-[^,]*$/);
    expect([...shared.headers]).toEqual([]);
  });

  it("is answered when a hook gives what cannot be read", async () => {
    const hono = new Hono();
    const unreadable = (): never =>
      ({
        // oxlint-disable-next-line unicorn/no-thenable -- what is tested
        get then() {
          throw new Error("a getter that throws");
        },
      }) as never;
    hono.use(traceMiddleware({ onStart: unreadable, onEnd: unreadable, identify: unreadable }));
    hono.get("/", (c) => c.json({}));

    expect((await hono.request("/")).status).toBe(200);
    expect(spanTree(recording.spans())).toBe("\nGET /\n");
    expect(recording.open()).toBe(0);
  });
});
