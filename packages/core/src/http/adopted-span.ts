import { createContextKey, SpanKind, trace } from "@opentelemetry/api";
import type { Context, Span } from "@opentelemetry/api";

import { requestScope } from "../request-scope.ts";

/** The SERVER span that another instrumentation has started for a request. */
export interface AdoptableSpan {
  readonly span: Span;

  /** What OpenTelemetry's HTTP instrumentation reads when the response is over: it names its span and its metric by it. */
  readonly metadata: RpcMetadata | undefined;
}

interface RpcMetadata {
  readonly type?: unknown;
  readonly span?: Span;
  route?: string;
}

/** The key of the metadata in `@opentelemetry/core`: equal descriptions are equal keys. */
const RPC_METADATA = createContextKey("OpenTelemetry SDK Context Key RPC_METADATA");

/**
 * The SERVER span that an instrumentation has started for the request that is at the door in this context, sampled or
 * not. One without metadata must tell that it is a SERVER span; those of Deno tell nothing, and there any span counts that
 * is active at the door. Within a request that is traced already there is none: the span is that request's.
 */
export function adoptableSpan(context: Context): AdoptableSpan | undefined {
  if (requestScope(context) !== undefined) return undefined;
  const metadata = context.getValue(RPC_METADATA) as RpcMetadata | undefined;
  if (metadata?.type === "http" && metadata.span !== undefined && !hasEnded(metadata.span)) {
    return { span: metadata.span, metadata };
  }
  const span = trace.getSpan(context);
  if (span === undefined || !span.isRecording()) return undefined;
  const { kind } = span as { readonly kind?: SpanKind };
  const isServerSpan = kind === SpanKind.SERVER || (kind === undefined && "Deno" in globalThis);
  return isServerSpan ? { span, metadata: undefined } : undefined;
}

function hasEnded(span: Span): boolean {
  return (span as { readonly ended?: boolean }).ended === true;
}
