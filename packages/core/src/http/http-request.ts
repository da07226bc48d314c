import type { Attributes } from "@opentelemetry/api";

import { definedAttributes } from "../defined-attributes.ts";
import {
  CLIENT_ADDRESS,
  HTTP_REQUEST_METHOD,
  HTTP_REQUEST_METHOD_ORIGINAL,
  NETWORK_PEER_ADDRESS,
  NETWORK_PEER_PORT,
  NETWORK_PROTOCOL_VERSION,
  SERVER_ADDRESS,
  SERVER_PORT,
  URL_PATH,
  URL_QUERY,
  URL_SCHEME,
  USER_AGENT_ORIGINAL,
} from "../semconv.ts";

/** An incoming request, as an HTTP adapter sees it. */
export interface HttpRequest {
  readonly method: string;
  readonly scheme: string;

  /** The path as the client sent it, before any router cut it, without the query. */
  readonly path: string;

  /** The query without its question mark; empty if there is none. */
  readonly query: string;

  /** The host that the client asked for, with its port if it named one. */
  readonly host?: string | undefined;

  readonly clientAddress?: string | undefined;
  readonly peerAddress?: string | undefined;
  readonly peerPort?: number | undefined;

  /** `1.1`, `2`. */
  readonly protocolVersion?: string | undefined;

  /** A header's value by its lowercase name; several lines of it joined by commas. */
  readonly header: (name: string) => string | undefined;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(
  "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" "),
);
const MAX_TEXT_LENGTH = 2048;
const MAX_PORT = 65_535;

/** The method as a span's name may hold it: `HTTP` stands for all unknown ones. */
export function spanMethod(method: string): string {
  return KNOWN_METHODS.has(method) ? method : "HTTP";
}

/**
 * The attributes of a SERVER span at its start. Query values are content: each is replaced by `REDACTED`. Texts are at
 * most 2048 characters long; what is longer is cut.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function requestAttributes(request: HttpRequest): Attributes {
  const known = KNOWN_METHODS.has(request.method);
  const server = parseHost(request.host);
  return definedAttributes({
    [HTTP_REQUEST_METHOD]: known ? request.method : "_OTHER",
    [HTTP_REQUEST_METHOD_ORIGINAL]: known ? undefined : bounded(request.method),
    [URL_SCHEME]: bounded(request.scheme),
    [URL_PATH]: bounded(request.path),
    [URL_QUERY]: request.query === "" ? undefined : withoutValues(request.query),
    [SERVER_ADDRESS]: bounded(server.address),
    [SERVER_PORT]: server.port,
    [CLIENT_ADDRESS]: bounded(request.clientAddress),
    [NETWORK_PEER_ADDRESS]: bounded(request.peerAddress),
    [NETWORK_PEER_PORT]: request.peerPort,
    [NETWORK_PROTOCOL_VERSION]: bounded(request.protocolVersion),
    [USER_AGENT_ORIGINAL]: bounded(request.header("user-agent")),
  });
}

function withoutValues(query: string): string {
  const redacted = query.slice(0, MAX_TEXT_LENGTH).replaceAll(/=[^&]*/g, "=REDACTED");
  return redacted.slice(0, MAX_TEXT_LENGTH);
}

function parseHost(host: string | undefined): { address?: string; port?: number } {
  const match = /^(\[[^\]]+\]|[^:@]+)(?::(\d{1,5}))?$/.exec(host ?? "");
  if (match?.[1] === undefined) return {};
  const address = match[1].replace(/^\[|\]$/g, "");
  const port = match[2] === undefined ? Infinity : Number(match[2]);
  return port > MAX_PORT ? { address } : { address, port };
}

/** A text at most as long as an attribute may be. */
export function bounded<T extends string | undefined>(text: T): T {
  return text?.slice(0, MAX_TEXT_LENGTH) as T;
}
