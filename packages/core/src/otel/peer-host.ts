import { SpanKind, trace } from "@opentelemetry/api";
import type { Attributes, Context, Span } from "@opentelemetry/api";

import { SERVER_ADDRESS } from "../semconv.ts";

/** A span as OpenTelemetry SDK 2 and 3 make it. */
type SdkSpan = Span & { readonly kind?: SpanKind; readonly attributes?: Attributes };

/**
 * The host that the active span of `context` talks to, as the span's attributes have it: `server.address`, else the
 * older `net.peer.name`, else the host in `url.full`.
 *
 * `undefined` where that is unknown: there is no span, it is not recorded, or it is the receiving side of a call. That
 * one's `server.address` is the process's own name, and the caller chose it.
 */
export function peerHost(context: Context): string | undefined {
  const { kind, attributes = {} }: Partial<SdkSpan> = trace.getSpan(context) ?? {};
  if (kind === SpanKind.SERVER || kind === SpanKind.CONSUMER) return undefined;
  const host = attributes[SERVER_ADDRESS] ?? attributes["net.peer.name"];
  return host === undefined ? hostOfUrl(attributes["url.full"]) : textOf(host);
}

function hostOfUrl(url: unknown): string | undefined {
  return typeof url === "string" && URL.canParse(url) ? new URL(url).hostname : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
