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
import { callHook } from "./call-hook.ts";
import type { TraceMiddlewareOptions } from "./middleware-options.ts";
import { headerAttributes } from "./recorded-headers.ts";
import { recordedQuery } from "./recorded-query.ts";

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

const MAX_TEXT_LENGTH = 2048;
const MAX_PORT = 65_535;

/** What is recorded of a request, as the options of `traceMiddleware` have it. */
export interface RequestRecording {
  readonly knownMethods: ReadonlySet<string>;
  readonly requestHeaders: readonly string[];
  readonly query: NonNullable<TraceMiddlewareOptions<never>["query"]>;
  readonly scrubPath: ((path: string) => string) | undefined;
}

/**
 * The attributes of a SERVER span at its start. Texts are at most 2048 characters long; what is longer is cut.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
 */
export function requestAttributes(request: HttpRequest, recording: RequestRecording): Attributes {
  const known = recording.knownMethods.has(request.method);
  const server = parseHost(request.host);
  return {
    ...definedAttributes({
      [HTTP_REQUEST_METHOD]: known ? request.method : "_OTHER",
      [HTTP_REQUEST_METHOD_ORIGINAL]: known ? undefined : bounded(request.method),
      [URL_SCHEME]: bounded(request.scheme),
      [URL_PATH]: recordedPath(request.path, recording.scrubPath),
      [URL_QUERY]: recordedQuery(request.query, recording.query, MAX_TEXT_LENGTH),
      [SERVER_ADDRESS]: bounded(server.address),
      [SERVER_PORT]: server.port,
      [CLIENT_ADDRESS]: bounded(request.clientAddress),
      [NETWORK_PEER_ADDRESS]: bounded(request.peerAddress),
      [NETWORK_PEER_PORT]: request.peerPort,
      [NETWORK_PROTOCOL_VERSION]: bounded(request.protocolVersion),
      [USER_AGENT_ORIGINAL]: bounded(request.header("user-agent")),
    }),
    ...headerAttributes("http.request.header", recording.requestHeaders, request.header),
  };
}

/**
 * What is to be added to, or replaced on, a SERVER span that another instrumentation has started: the headers, and what
 * it may have recorded of the URL that is not to be recorded.
 */
export function adoptedAttributes(
  request: HttpRequest,
  recording: RequestRecording,
  present: Attributes,
): Attributes {
  const { query, scrubPath, requestHeaders } = recording;
  const attributes = headerAttributes("http.request.header", requestHeaders, request.header);
  if (present[URL_QUERY] !== undefined) {
    attributes[URL_QUERY] = recordedQuery(request.query, query, MAX_TEXT_LENGTH) ?? "";
  }
  if (present[URL_PATH] !== undefined && scrubPath !== undefined) {
    attributes[URL_PATH] = recordedPath(request.path, scrubPath) ?? "";
  }
  return attributes;
}

function recordedPath(path: string, scrub: RequestRecording["scrubPath"]): string | undefined {
  if (scrub === undefined) return bounded(path);
  const scrubbed: unknown = callHook("`scrubPath`", () => scrub(path));
  return typeof scrubbed === "string" ? bounded(scrubbed) : undefined;
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
