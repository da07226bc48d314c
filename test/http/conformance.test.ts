import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { Attributes } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { traceMiddleware as traceExpress } from "@waybill/express";
import { traceMiddleware as traceHono } from "@waybill/hono";
import type { Express } from "express";
import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { EXPRESS_VERSIONS, listen, listenHono, sendRaw } from "../support/http-services.ts";
import type { Service } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

type Listening = Omit<Service, "hanging">;

/** The columns of the table: the same routes on each framework. */
const FRAMEWORKS: readonly (readonly [framework: string, start: () => Promise<Listening>])[] = [
  ...EXPRESS_VERSIONS.map(
    ({ framework, newApp }) => [framework, () => listen(expressApp(newApp()))] as const,
  ),
  ["Hono", () => listenHono(honoApp())],
];

function expressApp(app: Express): Express {
  app.use(traceExpress);
  app.all("/orders/:id", (_req, res) => void res.json({}));
  for (const status of [302, 404, 418, 500, 503]) {
    app.get(`/answers/${status}/:id`, (_req, res) => void res.status(status).end());
  }
  app.get("/hang", (req) => void req.socket.destroy());
  return app;
}

function honoApp(): Hono<{ Bindings: { incoming: { socket: { destroy: () => void } } } }> {
  const app = new Hono<{ Bindings: { incoming: { socket: { destroy: () => void } } } }>();
  app.use(traceHono);
  app.all("/orders/:id", (c) => c.json({}));
  for (const status of [302, 404, 418, 500, 503] as const) {
    app.get(`/answers/${status}/:id`, (c) => c.body(null, status));
  }
  app.get("/hang", (c) => {
    c.env.incoming.socket.destroy();
    return new Promise<never>(() => {});
  });
  return app;
}

/** A request as it is sent, without what every one has. */
interface RequestText {
  readonly line: string;
  readonly headers?: readonly string[];
}

const PLAIN: RequestText = { line: "GET /orders/A-1 HTTP/1.1" };
const QUERY: RequestText = { line: "GET /orders/A-1?sig=abc HTTP/1.1" };
const UNKNOWN_METHOD: RequestText = { line: "PURGE /orders/A-1 HTTP/1.1" };
const NOWHERE: RequestText = { line: "GET /nowhere/A-1 HTTP/1.1" };
const UNAVAILABLE: RequestText = { line: "GET /answers/503/A-1 HTTP/1.1" };
const CUT_OFF: RequestText = { line: "GET /hang HTTP/1.1" };
const AGENT: RequestText = { ...PLAIN, headers: ["User-Agent: test/1.0"] };
const SECRETS: RequestText = { ...PLAIN, headers: ["Authorization: Bearer x", "X-Any: 1"] };

const A_PORT = "a port";
const THE_PORT = "the port of the service";

/**
 * The rows of the table.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
const ATTRIBUTES: readonly (readonly [
  level: "required" | "conditionally required" | "recommended" | "opt-in",
  attribute: string,
  when: string,
  request: RequestText,
  expected: unknown,
])[] = [
  ["required", "http.request.method", "of a known method", PLAIN, "GET"],
  ["required", "http.request.method", "of QUERY", { line: "QUERY /orders/A-1 HTTP/1.1" }, "QUERY"],
  ["required", "http.request.method", "of an unknown method", UNKNOWN_METHOD, "_OTHER"],
  [
    "required",
    "url.path",
    "as it was sent",
    { line: "GET /orders/a%20B HTTP/1.1" },
    "/orders/a%20B",
  ],
  ["required", "url.path", "without the query", QUERY, "/orders/A-1"],
  ["required", "url.scheme", "of a plain connection", PLAIN, "http"],
  ["conditionally required", "error.type", "of a success", PLAIN, undefined],
  [
    "conditionally required",
    "error.type",
    "of a 4xx",
    { line: "GET /answers/418/1 HTTP/1.1" },
    undefined,
  ],
  ["conditionally required", "error.type", "of a 5xx", UNAVAILABLE, "503"],
  ["conditionally required", "error.type", "of no response", CUT_OFF, "server_disconnected"],
  ["conditionally required", "http.request.method_original", "of a known method", PLAIN, undefined],
  [
    "conditionally required",
    "http.request.method_original",
    "of an unknown method",
    UNKNOWN_METHOD,
    "PURGE",
  ],
  ["conditionally required", "http.response.status_code", "of a success", PLAIN, 200],
  [
    "conditionally required",
    "http.response.status_code",
    "of a 3xx",
    { line: "GET /answers/302/1 HTTP/1.1" },
    302,
  ],
  ["conditionally required", "http.response.status_code", "of a 5xx", UNAVAILABLE, 503],
  ["conditionally required", "http.response.status_code", "where no route matches", NOWHERE, 404],
  ["conditionally required", "http.response.status_code", "of no response", CUT_OFF, undefined],
  ["conditionally required", "http.route", "the template", PLAIN, "/orders/:id"],
  [
    "conditionally required",
    "http.route",
    "of a route for all methods",
    UNKNOWN_METHOD,
    "/orders/:id",
  ],
  ["conditionally required", "http.route", "of an error", UNAVAILABLE, "/answers/503/:id"],
  ["conditionally required", "http.route", "where no route matches", NOWHERE, undefined],
  ["conditionally required", "network.protocol.name", "of HTTP itself", PLAIN, undefined],
  ["conditionally required", "server.port", "of the Host header", PLAIN, THE_PORT],
  ["conditionally required", "url.query", "with its secrets redacted", QUERY, "sig=REDACTED"],
  ["conditionally required", "url.query", "where there is none", PLAIN, undefined],
  [
    "conditionally required",
    "url.query",
    "where it is empty",
    { line: "GET /orders/A-1? HTTP/1.1" },
    undefined,
  ],
  ["recommended", "client.address", "of the connection", PLAIN, "127.0.0.1"],
  [
    "recommended",
    "client.address",
    "not as anybody says",
    { ...PLAIN, headers: ["X-Forwarded-For: 6.6.6.6"] },
    "127.0.0.1",
  ],
  ["recommended", "network.peer.address", "of the connection", PLAIN, "127.0.0.1"],
  ["recommended", "network.peer.port", "of the connection", PLAIN, A_PORT],
  ["recommended", "network.protocol.version", "of HTTP 1.1", PLAIN, "1.1"],
  [
    "recommended",
    "network.protocol.version",
    "of HTTP 1.0",
    { line: "GET /orders/A-1 HTTP/1.0" },
    "1.0",
  ],
  ["recommended", "server.address", "of the Host header", PLAIN, "127.0.0.1"],
  ["recommended", "user_agent.original", "of the User-Agent header", AGENT, "test/1.0"],
  ["recommended", "user_agent.original", "where there is none", PLAIN, undefined],
  ["opt-in", "http.request.header.authorization", "unasked", SECRETS, undefined],
  ["opt-in", "http.request.header.x-any", "unasked", SECRETS, undefined],
  ["opt-in", "client.port", "unasked", PLAIN, undefined],
  ["opt-in", "network.transport", "unasked", PLAIN, undefined],
];

const { UNSET, ERROR } = SpanStatusCode;

const NAMES_AND_STATUSES: readonly (readonly [
  requestLine: string,
  name: string,
  status: SpanStatusCode,
])[] = [
  ["GET /orders/A-1 HTTP/1.1", "GET /orders/:id", UNSET],
  ["GET /orders/A-1?sig=abc HTTP/1.1", "GET /orders/:id", UNSET],
  ["POST /orders/A-1 HTTP/1.1", "POST /orders/:id", UNSET],
  ["HEAD /orders/A-1 HTTP/1.1", "HEAD /orders/:id", UNSET],
  ["QUERY /orders/A-1 HTTP/1.1", "QUERY /orders/:id", UNSET],
  ["PURGE /orders/A-1 HTTP/1.1", "HTTP /orders/:id", UNSET],
  ["GET /nowhere HTTP/1.1", "GET", UNSET],
  ["POST /answers/503/A-1 HTTP/1.1", "POST", UNSET],
  ["PURGE /nowhere HTTP/1.1", "HTTP", UNSET],
  ["GET /answers/302/A-1 HTTP/1.1", "GET /answers/302/:id", UNSET],
  ["GET /answers/418/A-1 HTTP/1.1", "GET /answers/418/:id", UNSET],
  ["GET /answers/500/A-1 HTTP/1.1", "GET /answers/500/:id", ERROR],
  ["GET /answers/503/A-1 HTTP/1.1", "GET /answers/503/:id", ERROR],
  ["GET /hang HTTP/1.1", "GET /hang", ERROR],
];

const AT_THE_START = [
  "client.address",
  "http.request.method",
  "server.address",
  "server.port",
  "url.path",
  "url.query",
  "url.scheme",
  "user_agent.original",
];

let recording: Recording;
let services: (readonly [framework: string, service: Listening])[];
let sampled: Attributes[] = [];
beforeAll(async () => {
  recording = startRecording({
    sampler: {
      shouldSample(_context, _traceId, _name, _kind, attributes) {
        sampled.push({ ...attributes });
        return { decision: SamplingDecision.RECORD_AND_SAMPLED };
      },
    },
  });
  services = await Promise.all(
    FRAMEWORKS.map(async ([framework, start]) => [framework, await start()] as const),
  );
});
beforeEach(() => {
  sampled = [];
});
afterAll(async () => {
  for (const [, service] of services) await service.close();
  await recording.stop();
});

/** Sends a request to a service, and returns the one span that it made. */
async function spanOf(
  service: Listening,
  { line, headers = [] }: RequestText,
): Promise<ReadableSpan> {
  const before = recording.spans().length;
  const host = new URL(service.url).host;
  await sendRaw(
    service,
    [line, `Host: ${host}`, "Connection: close", ...headers, "", ""].join("\r\n"),
  );
  await recording.idle();
  const [span, ...others] = recording.spans().slice(before);
  if (span === undefined || others.length > 0) throw new Error(`${others.length + 1} spans`);
  return span;
}

/** What `read` finds in each framework's span for a request. */
async function columns(
  request: RequestText,
  read: (span: ReadableSpan, service: Listening) => unknown,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [framework, service] of services) {
    found[framework] = read(await spanOf(service, request), service);
  }
  return found;
}

/** The same in every column. */
function everywhere(expected: unknown): Record<string, unknown> {
  return Object.fromEntries(FRAMEWORKS.map(([framework]) => [framework, expected]));
}

/** A value of an attribute, with the ports, which differ from run to run, named. */
function stable(value: unknown, attribute: string, { url }: Listening): unknown {
  if (attribute === "server.port") return value === Number(new URL(url).port) ? THE_PORT : value;
  const isPort = Number.isInteger(value) && attribute.endsWith(".port");
  return isPort ? A_PORT : value;
}

describe("the SERVER span, by the HTTP conventions, alike on all frameworks", () => {
  it.each(ATTRIBUTES)("has %s %s %s", async (_level, attribute, _when, request, expected) => {
    const found = await columns(request, ({ attributes }, service) =>
      stable(attributes[attribute], attribute, service),
    );

    expect(found).toEqual(everywhere(expected));
  });

  it.each(NAMES_AND_STATUSES)("for %s is named %s", async (line, name, code) => {
    const found = await columns({ line }, (span) => [span.name, span.kind, span.status]);

    expect(found).toEqual(everywhere([name, SpanKind.SERVER, { code }]));
  });

  it("has what a sampler may decide by from its start", async () => {
    await columns({ ...QUERY, headers: ["User-Agent: test/1.0"] }, () => undefined);

    expect(sampled).toHaveLength(FRAMEWORKS.length);
    for (const attributes of sampled)
      expect(Object.keys(attributes)).toEqual(expect.arrayContaining(AT_THE_START));
  });

  it("has no attribute but those of the conventions", async () => {
    const found = await columns(AGENT, ({ attributes }) => Object.keys(attributes).toSorted());

    expect(found).toEqual(
      everywhere(
        [
          ...AT_THE_START.filter((name) => name !== "url.query"),
          "http.response.status_code",
          "http.route",
          "network.peer.address",
          "network.peer.port",
          "network.protocol.version",
        ].toSorted(),
      ),
    );
  });
});
