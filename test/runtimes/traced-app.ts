import { withSpan } from "@waybill/core";
import { traceMiddleware } from "@waybill/hono";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";

import { nextTask } from "./next-task.ts";

const STEPS = [1, 2, 3, 4];

/** The app that is traced on every runtime: one route for each way in which a request can go. */
export function tracedApp(): Hono {
  const app = new Hono();
  app.use(traceMiddleware({ baggage: { accept: ["user.id"] } }));
  app.use("/secure/*", async (c) => c.text("who are you?", 401));
  app.get("/secure/me/:id", (c) => c.json({}));
  app.get("/orders/:id", (c) =>
    withSpan("find order", async () => c.json({ id: c.req.param("id") })),
  );
  app.post("/echo", async (c) => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of c.req.raw.body ?? []) text += decoder.decode(chunk, { stream: true });
    return withSpan("echo", () => c.text(text));
  });
  app.get("/sse", (c) =>
    streamSSE(c, async (stream) => {
      for (const step of STEPS) {
        await nextTask();
        await withSpan(`step ${step}`, () => stream.writeSSE({ data: String(step) }));
      }
    }),
  );
  app.get("/generator", () => {
    async function* chunks() {
      for (const step of STEPS) yield await produce(step);
    }
    return new Response(ReadableStream.from(chunks()), {
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
  });
  app.get("/pull", () => {
    const steps = STEPS.values();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const { value, done } = steps.next();
          if (done) controller.close();
          else controller.enqueue(await produce(value));
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  });
  app.get("/broken", () => {
    async function* chunks() {
      yield await produce(1);
      throw new RangeError("the stream broke");
    }
    return new Response(ReadableStream.from(chunks()));
  });
  app.get("/endless-events", (c) =>
    streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: "first" });
      await never((stop) => stream.onAbort(stop));
    }),
  );
  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      while (!stream.aborted) {
        await stream.writeSSE({ data: "x".repeat(1000) });
        await nextTask();
      }
    }),
  );
  app.get("/endless", () => {
    let isFirst = true;
    let stopProducing = (): void => {};
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          if (isFirst) controller.enqueue(new TextEncoder().encode("first"));
          else await never((stop) => (stopProducing = stop));
          isFirst = false;
        },
        cancel: () => stopProducing(),
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  });
  app.get("/hang", async (c) => {
    const { signal } = c.req.raw;
    withSpan("arrived", () => {});
    await never((stop) => signal.addEventListener("abort", stop));
    return c.text("too late", 201);
  });
  app.get("/forbidden", () => {
    throw new HTTPException(403, { message: "not yours" });
  });
  app.get("/fail", () => {
    throw new RangeError("out of stock");
  });
  app.get("/throws-text", () => {
    throw "a string"; // oxlint-disable-line no-throw-literal, typescript/only-throw-error -- Applications do.
  });
  return app;
}

/**
 * Work that does not come to an end before it is stopped. A timer stands for it: workerd gives a request up that waits
 * for nothing.
 */
function never(onStop: (stop: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {}, 60_000);
    onStop(() => {
      clearInterval(timer);
      resolve();
    });
  });
}

function produce(step: number): Promise<Uint8Array<ArrayBuffer>> {
  return withSpan(`step ${step}`, async () => {
    await nextTask();
    return new TextEncoder().encode(String(step));
  });
}
