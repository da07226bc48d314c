import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { BaggageOptions } from "@waybill/core/http";

import { expressService } from "../../examples/w3c-service/express-service.ts";
import { honoService } from "../../examples/w3c-service/hono-service.ts";
import { listen, listenHono, sendRaw } from "../support/http-services.ts";
import type { Service } from "../support/http-services.ts";

export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const PARENT_ID = "b7ad6b7169203331";

/** The trace headers that came out of a service with one of its requests. */
interface Sent {
  readonly traceparent: string;
  readonly traceId: string;
  readonly parentId: string;
  readonly flags: string;

  /** Nothing if there was no such header. */
  readonly tracestate: string | undefined;
  readonly baggage: string | undefined;

  /** What was posted. */
  readonly body: unknown;
}

/** A service that has been sent requests, and a server that receives those that it makes. */
export interface Relay {
  /**
   * Sends the service a request with these header lines, as they are, and resolves with what came out of the one request
   * that it made.
   */
  readonly through: (lines: readonly string[]) => Promise<Sent>;

  /** The same, for as many requests as hosts, to which it makes one each. */
  readonly throughTo: (hosts: readonly string[], lines: readonly string[]) => Promise<Sent[]>;

  readonly close: () => Promise<void>;
}

/** How a test may set the service up. */
export interface RelayOptions {
  /** What is let in of the baggage. */
  readonly baggage?: BaggageOptions;
}

type StartService = (options: RelayOptions) => Promise<Omit<Service, "hanging">>;

const SERVICES: readonly (readonly [framework: string, start: StartService])[] = [
  ["Express", (options) => listen(expressService(options))],
  ["Hono", (options) => listenHono(honoService(options))],
];

/** The example service on each framework, between a client and a server of the test. */
export const RELAYS: readonly {
  readonly framework: string;
  readonly start: (options?: RelayOptions) => Promise<Relay>;
}[] = SERVICES.map(([framework, startService]) => ({
  framework,
  start: (options) => startRelay(startService, options),
}));

async function startRelay(startService: StartService, options: RelayOptions = {}): Promise<Relay> {
  const service = await startService(options);
  let received: Sent[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      received.push(readHeaders(request.rawHeaders, JSON.parse(text)));
      response.end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, resolve);
  });
  const { port } = server.address() as AddressInfo;

  const throughTo: Relay["throughTo"] = async (hosts, lines) => {
    received = [];
    const callbacks = hosts.map((host, index) => ({
      url: `http://${host}:${port}/`,
      arguments: { request: index },
    }));
    const body = JSON.stringify(callbacks);
    const answer = await sendRaw(
      service,
      [
        "POST /in/any/place HTTP/1.1",
        `Host: 127.0.0.1`,
        "Content-Type: application/json",
        `Content-Length: ${Buffer.byteLength(body)}`,
        "Connection: close",
        ...lines,
        "",
        body,
      ].join("\r\n"),
    );
    const [statusLine] = answer.split("\r\n");
    if (statusLine !== "HTTP/1.1 200 OK") throw new Error(`the service answered ${answer}`);
    if (received.length !== hosts.length) throw new Error(`it sent ${received.length} requests`);
    return received;
  };
  return {
    throughTo,
    async through(lines) {
      const [sent] = await throughTo(["127.0.0.1"], lines);
      return sent as Sent;
    },
    async close() {
      await service.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** Header lines of one name with these values. */
export function linesOf(name: string, values: string | readonly string[]): string[] {
  return [values].flat().map((value) => `${name}: ${value}`);
}

function readHeaders(rawHeaders: readonly string[], body: unknown): Sent {
  const valuesOf = (wanted: string): string[] =>
    rawHeaders.filter(
      (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted,
    );
  const only = (name: string): string | undefined => {
    const values = valuesOf(name);
    if (values.length > 1) throw new Error(`${values.length} lines of ${name} came out`);
    return values[0];
  };
  const traceparent = only("traceparent") ?? "";
  const [, traceId = "", parentId = "", flags = ""] =
    /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/.exec(traceparent) ?? [];
  if (traceId === "") throw new Error(`this traceparent came out: ${traceparent}`);
  const [tracestate, baggage] = [only("tracestate"), only("baggage")];
  return { traceparent, traceId, parentId, flags, tracestate, baggage, body };
}
