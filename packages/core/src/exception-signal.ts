import * as api from "@opentelemetry/api";
import type { Context, Span, TimeInput } from "@opentelemetry/api";

import { exceptionAttributes } from "./operation-error.ts";
import { attempt } from "./report-failure.ts";
import { EXCEPTION_EVENT, GEN_AI_OPERATION_NAME } from "./semconv.ts";
import { spanAttributes } from "./span-attributes.ts";

const { SpanKind } = api;
const VARIABLE = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";
const LOGGER_NAME = "@waybill/core";

/** An exception that is to be recorded. */
export interface RecordedException {
  readonly error: unknown;

  /** The span that it stands on, and a context with that span. */
  readonly span: Span;
  readonly context: Context;
  readonly time?: TimeInput | undefined;

  /** Whether the span is a request's. */
  readonly isRequest?: boolean;
}

/** The logger of OpenTelemetry's API from 1.10 on. */
interface Logger {
  readonly emit: (record: object) => void;
  readonly enabled: (options: object) => boolean;
}

/**
 * Records an exception: as an event on its span, or, if `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` is `logs`, as a log record;
 * as both if it is `logs/dup`. Where nobody takes log records, and before OpenTelemetry's API 1.10, as an event.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
 */
export function recordException(exception: RecordedException): void {
  const attributes = exceptionAttributes(exception.error);
  const signal = globalThis.process?.env?.[VARIABLE];
  const isLogged =
    (signal === "logs" || signal === "logs/dup") &&
    attempt("an exception could not be logged", () => logged(exception, attributes)) === true;
  if (!isLogged || signal === "logs/dup") {
    exception.span.addEvent(EXCEPTION_EVENT, attributes, exception.time);
  }
}

function logged(
  { span, context, time, isRequest = false }: RecordedException,
  attributes: Record<string, string>,
): boolean {
  // Not by its name: bundlers would make an import of it, which is an error with API 1.9.
  const logs = Reflect.get(api, "logs") as { getLogger?: (name: string) => Logger } | undefined;
  const logger = logs?.getLogger?.(LOGGER_NAME);
  const { kind } = span as { readonly kind?: api.SpanKind };
  const isUnhandled = isRequest || kind === SpanKind.SERVER || kind === SpanKind.CONSUMER;
  const record = {
    eventName: `${isRequest ? "http.server.request" : operationOf(span, kind)}.exception`,
    severityNumber: isUnhandled ? 17 : 13,
    context,
  };
  if (logger?.enabled(record) !== true) return false;
  logger.emit({
    ...record,
    severityText: isUnhandled ? "ERROR" : "WARN",
    attributes,
    ...(time !== undefined && { timestamp: time }),
  });
  return true;
}

/** @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-exceptions/ */
function operationOf(span: Span, kind: api.SpanKind | undefined): string {
  const operation = spanAttributes(span)[GEN_AI_OPERATION_NAME];
  if (typeof operation !== "string") return "waybill.operation";
  return kind === SpanKind.CLIENT ? "gen_ai.client.operation" : `gen_ai.${operation}`;
}
