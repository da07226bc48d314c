import { deepEqual, equal, notEqual } from "node:assert/strict";

import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

import { spanTree } from "../support/span-tree.ts";
import { CALLER_SPAN_ID, newCaller } from "./new-caller.ts";
import type { LoggedTrace } from "./span-log.ts";
import type { Service, TestCase } from "./test-case.ts";

/** What holds of a traced Hono app on every runtime, within the process and over HTTP. */
export const honoSuite: readonly TestCase<Service>[] = [
  {
    name: "joins the caller's trace, and takes the accepted baggage alone",
    async run(service) {
      const baggage = "user.id=ada,plan=gold";
      const { response, trace } = await send(service, "/orders/A-1", { headers: { baggage } });
      deepEqual(await response.json(), { id: "A-1" });

      const { spans } = await trace();
      equal(spanTree(spans), "\nGET /orders/:id\n  find order\n");
      equal(spans[0]?.parentSpanContext?.spanId, CALLER_SPAN_ID);
      equal(spans[0].kind, SpanKind.SERVER);
      deepEqual(
        spans.map(({ attributes }) => [attributes["user.id"], attributes["plan"]]),
        [
          ["ada", undefined],
          ["ada", undefined],
        ],
      );
    },
  },
  {
    name: "keeps requests apart that are answered at the same time",
    async run(service) {
      const trees = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { response, trace } = await send(service, "/generator");
          await response.text();
          return spanTree((await trace()).spans);
        }),
      );

      deepEqual(new Set(trees), new Set([treeOfSteps("/generator")]));
    },
  },
  {
    name: "keeps the context while a request's body is read",
    async run(service) {
      const body = "x".repeat(100_000);
      const { response, trace } = await send(service, "/echo", { method: "POST", body });
      equal(await response.text(), body);

      equal(spanTree((await trace()).spans), "\nPOST /echo\n  echo\n");
    },
  },
  {
    name: "lasts as long as the body of `streamSSE`",
    async run(service) {
      const { response, trace } = await send(service, "/sse");
      equal(await response.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");

      const recorded = await trace();
      equal(spanTree(recorded.spans), treeOfSteps("/sse"));
      equal(recorded.endings.at(-1), "GET /sse");
    },
  },
  ...["/generator", "/pull"].map((path) => ({
    name: `runs the code inside the span that produces a body lazily: ${path}`,
    async run(service: Service) {
      const { response, trace } = await send(service, path);
      equal(await response.text(), "1234");

      const recorded = await trace();
      equal(spanTree(recorded.spans), treeOfSteps(path));
      equal(recorded.endings.at(-1), `GET ${path}`);
    },
  })),
  {
    name: "leaves both of two `set-cookie` headers of a streamed response",
    async run(service) {
      const { response, trace } = await send(service, "/generator");
      await response.text();
      await trace();

      deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    },
  },
  {
    name: "is an error with the exception when the body's stream breaks midway",
    async run(service) {
      const { traceId, headers } = newCaller();
      // Bun ends the connection at once, elsewhere the body breaks.
      await service.request("/broken", { headers }).then(
        (response) => response.text().catch(() => {}),
        () => {},
      );

      const recorded = await service.log.trace(traceId);
      equal(spanTree(recorded.spans), "\nGET /broken error: RangeError\n  step 1\n");
      deepEqual(events(recorded), ["exception"]);
    },
  },
  {
    name: "is cancelled when the client leaves an event stream that goes on",
    async run(service) {
      const { response, trace } = await send(service, "/events");
      await leaveAfterFirstChunk(response);

      equal(spanTree((await trace()).spans), "\nGET /events cancelled\n");
    },
  },
  {
    name: "ends for HEAD, whose body nobody reads",
    async run(service) {
      const { response, trace } = await send(service, "/generator", { method: "HEAD" });
      equal(response.status, 200);

      const recorded = await trace();
      equal(recorded.spans[0]?.name, "HEAD /generator");
    },
  },
  {
    name: "has no route when nothing is found",
    async run(service) {
      const { response, trace } = await send(service, "/nowhere");
      await response.text();

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET\n");
      equal(server(recorded).attributes["http.route"], undefined);
      equal(server(recorded).attributes["http.response.status_code"], 404);
    },
  },
  {
    name: "has the route that a middleware kept from answering",
    async run(service) {
      const { response, trace } = await send(service, "/secure/me/7");
      await response.text();

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET /secure/me/:id\n");
      equal(server(recorded).attributes["http.response.status_code"], 401);
    },
  },
  {
    name: "takes an HTTPException of 4xx for an answer",
    async run(service) {
      const { response, trace } = await send(service, "/forbidden");
      await response.text();

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET /forbidden\n");
      deepEqual(events(recorded), []);
    },
  },
  {
    name: "is an error with the exception when a handler throws",
    async run(service) {
      const { response, trace } = await send(service, "/fail");
      await response.text();

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET /fail error: RangeError\n");
      equal(server(recorded).attributes["http.response.status_code"], 500);
      deepEqual(events(recorded), ["exception"]);
    },
  },
  {
    name: "is an error when a handler throws a string, and never has the status 200",
    async run(service) {
      const { traceId, headers } = newCaller();
      await service.request("/throws-text", { headers }).then(
        (response) => response.text(),
        (error: unknown) => equal(error, "a string"),
      );

      const recorded = await service.log.trace(traceId);
      equal(spanTree(recorded.spans), "\nGET /throws-text error: _OTHER\n");
      notEqual(server(recorded).attributes["http.response.status_code"], 200);
      deepEqual(events(recorded), ["exception"]);
    },
  },
];

/** What holds when a client leaves while nothing is sent: the connection's end is all that tells of it. */
export const leavingSuite: readonly TestCase<Service>[] = [
  {
    name: "is cancelled when the client leaves an event stream that is silent",
    async run(service) {
      const { response, trace } = await send(service, "/endless-events");
      await leaveAfterFirstChunk(response);

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET /endless-events cancelled\n");
      equal(server(recorded).attributes["http.response.status_code"], 200);
      equal(server(recorded).status.code, SpanStatusCode.UNSET);
    },
  },
  {
    name: "is cancelled and an error when the client leaves in the middle of another body",
    async run(service) {
      const { response, trace } = await send(service, "/endless");
      await leaveAfterFirstChunk(response);

      const recorded = await trace();
      equal(spanTree(recorded.spans), "\nGET /endless cancelled, error: client_disconnected\n");
      equal(server(recorded).attributes["http.response.status_code"], 200);
    },
  },
  {
    name: "has no status code when the client leaves before there is a response",
    async run(service) {
      const controller = new AbortController();
      const { traceId, headers } = newCaller();
      const response = service.request("/hang", { headers, signal: controller.signal });
      const settled = Promise.allSettled([response]);
      await service.log.started(traceId, "arrived");
      controller.abort();
      await settled;

      const recorded = await service.log.trace(traceId);
      equal(
        spanTree(recorded.spans),
        "\nGET /hang cancelled, error: client_disconnected\n  arrived\n",
      );
      equal(server(recorded).attributes["http.response.status_code"], undefined);
    },
  },
];

/** What holds where the runtime sleeps when it has answered, and is kept awake by `waitUntil`. */
export const awakeSuite: readonly TestCase<Service>[] = [
  {
    name: "exports the spans of a response that was read to its end",
    async run({ request, log }) {
      const { traceId, headers } = newCaller();
      const response = await request("/sse", { headers });
      await response.text();

      await log.exported(traceId);
    },
  },
  {
    name: "exports the spans of a response that the client left",
    async run({ request, log }) {
      const { traceId, headers } = newCaller();
      await leaveAfterFirstChunk(await request("/events", { headers }));

      await log.exported(traceId);
    },
  },
];

interface Sent {
  readonly response: Response;

  /** Resolves with the trace of the request once all of it has ended. */
  readonly trace: () => Promise<LoggedTrace>;
}

async function send(service: Service, path: string, init: RequestInit = {}): Promise<Sent> {
  const { traceId, headers } = newCaller();
  const response = await service.request(path, {
    ...init,
    headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
  });
  return { response, trace: () => service.log.trace(traceId) };
}

async function leaveAfterFirstChunk(response: Response): Promise<void> {
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
}

function treeOfSteps(path: string): string {
  return `\nGET ${path}\n  step 1\n  step 2\n  step 3\n  step 4\n`;
}

function server({ spans }: LoggedTrace): ReadableSpan {
  const [span] = spans;
  if (span === undefined) throw new Error("nothing was recorded");
  return span;
}

function events(trace: LoggedTrace): string[] {
  return server(trace).events.map(({ name }) => name);
}
