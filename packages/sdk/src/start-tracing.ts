import { context, propagation, trace } from "@opentelemetry/api";
import type { TextMapPropagator } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import type { Resource } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import { configureWaybill, flushOpen } from "@waybill/core";
import {
  AsyncLocalStorageContextManager,
  guardBaggage,
  IdentitySpanProcessor,
  StrictW3CPropagator,
} from "@waybill/core/otel";

import { contain } from "./contain.ts";
import { GuardedExporter } from "./guarded-exporter.ts";
import { GuardedIdGenerator } from "./guarded-id-generator.ts";
import { GuardedSampler } from "./guarded-sampler.ts";
import { GuardedSpanProcessor } from "./guarded-span-processor.ts";
import { checkStartTracingOptions, settingsOf } from "./start-tracing-options.ts";
import type { StartTracingOptions } from "./start-tracing-options.ts";
import { timelineListener } from "./timeline-listener.ts";
import { TraceRecorder } from "./trace-recorder.ts";
import type { TraceListener } from "./trace-recorder.ts";
import { withinLimit } from "./within-limit.ts";

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Tracing that has been started. */
export interface Tracing {
  /** Calls `listener` with every trace from now on; returns a function that stops it. */
  readonly onTrace: (listener: TraceListener) => () => void;

  /**
   * Hands out the traces that are over, and exports the spans that have ended. Never rejects, and resolves after
   * `shutdownTimeoutMs` at the latest.
   */
  readonly flush: () => Promise<void>;

  /**
   * Ends the operations that are still open (as `abandoned`, see `flushOpen` of `@waybill/core`), hands out all traces,
   * exports the spans that have ended, and takes everything down that was set up; the settings stay. Never rejects, and
   * resolves after `shutdownTimeoutMs` at the latest. Only the first call does anything.
   */
  readonly shutdown: () => Promise<void>;
}

/**
 * Sets up OpenTelemetry for this process: a tracer provider, the context manager, W3C trace context and baggage, the
 * identity on every span of every library, and an in-process recorder.
 *
 * Spans are sent by OTLP/HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) is set; the
 * exporter reads its other settings from the standard variables too. Baggage of incoming requests is read; on outgoing
 * ones it is written for `allowHosts` only. `OTEL_SDK_DISABLED=true` sets up nothing.
 *
 * What it is given (exporter, processors, sampler, id generator, listeners) may fail: `diag` hears of it, the application
 * does not.
 *
 * A call that throws leaves everything as it was.
 *
 * @throws TypeError naming the option, if one is missing, unknown or of the wrong type.
 * @throws Error if a tracer provider is registered already: then add `IdentitySpanProcessor` of `@waybill/core/otel`
 * to that one instead.
 *
 * @example
 * ```ts
 * import { startTracing } from "@waybill/sdk";
 *
 * const tracing = startTracing({ serviceName: "support-bot" });
 * process.once("SIGTERM", () => void tracing.shutdown());
 * ```
 */
export function startTracing(options: StartTracingOptions): Tracing {
  checkStartTracingOptions(options);
  const propagator = guardBaggage(new StrictW3CPropagator(), {
    allowHosts: options.allowHosts ?? [],
  });
  const disabled = process.env.OTEL_SDK_DISABLED?.toLowerCase() === "true";
  if (disabled) return { onTrace: () => () => {}, flush: async () => {}, shutdown: async () => {} };

  const recorder = new TraceRecorder();
  if (options.onTrace) recorder.onTrace(options.onTrace);
  const draw = timelineListener(options.timeline);
  if (draw) recorder.onTrace(draw);

  const exporters = spanExporters(options).map((exporter) => new GuardedExporter(exporter));
  const provider = new TracerProvider({
    resource: serviceResource(options),
    spanProcessors: [
      new IdentitySpanProcessor(),
      ...(options.spanProcessors ?? []).map((processor) => new GuardedSpanProcessor(processor)),
      recorder,
      ...exporters.map((exporter) => new BatchSpanProcessor({ exporter })),
    ],
    ...(options.sampler && { sampler: new GuardedSampler(options.sampler) }),
    ...(options.idGenerator && { idGenerator: new GuardedIdGenerator(options.idGenerator) }),
  });
  const unregister = register(provider, propagator);
  configureWaybill(settingsOf(options));

  const { shutdownTimeoutMs = DEFAULT_SHUTDOWN_TIMEOUT_MS } = options;
  const limitMs = Math.min(shutdownTimeoutMs, LONGEST_TIMER_MS);
  let shutdown: Promise<void> | undefined;
  return {
    onTrace: (listener) => recorder.onTrace(listener),
    flush: () => flush(provider, exporters, limitMs),
    shutdown: () => (shutdown ??= shutDown(provider, exporters, limitMs, unregister)),
  };
}

/** @returns A function that takes back what was registered. */
function register(provider: TracerProvider, propagator: TextMapPropagator): () => void {
  if (!trace.setGlobalTracerProvider(provider)) {
    throw new Error(
      "startTracing: an OpenTelemetry tracer provider is registered already; give it the `IdentitySpanProcessor` of @waybill/core/otel instead",
    );
  }
  const hasContext = context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  const hasPropagator = propagation.setGlobalPropagator(propagator);
  return () => {
    trace.disable();
    if (hasContext) context.disable();
    if (hasPropagator) propagation.disable();
  };
}

async function flush(
  provider: TracerProvider,
  exporters: readonly GuardedExporter[],
  limitMs: number,
): Promise<void> {
  const cause = "tracing could not be flushed";
  await withinLimit(cause, limitMs, async () => {
    await contain(cause, () => provider.forceFlush({ timeoutMillis: limitMs }));
    // The SDK's processor leaves out what it was already exporting, and what the exporter holds back.
    await Promise.all(exporters.map((exporter) => exporter.forceFlush()));
  });
}

async function shutDown(
  provider: TracerProvider,
  exporters: readonly GuardedExporter[],
  limitMs: number,
  unregister: () => void,
): Promise<void> {
  flushOpen();
  const cause = "tracing could not be shut down";
  const down = withinLimit(cause, limitMs, async () => {
    await contain(cause, () => provider.shutdown());
    // The SDK's processor leaves its exporter running if the last export failed.
    await Promise.all(exporters.map((exporter) => exporter.shutdown()));
  });
  // Listeners have heard the last traces by now, with tracing suppressed in their context.
  unregister();
  await down;
  for (const exporter of exporters) exporter.giveUp();
}

function serviceResource({
  serviceName,
  serviceVersion,
  environment,
}: StartTracingOptions): Resource {
  return defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(
      resourceFromAttributes({
        "service.name": serviceName,
        ...(serviceVersion !== undefined && { "service.version": serviceVersion }),
        ...(environment !== undefined && { "deployment.environment.name": environment }),
      }),
    );
}

function spanExporters({ exporter }: StartTracingOptions): readonly SpanExporter[] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = process.env;
  const otlp = Boolean(OTEL_EXPORTER_OTLP_ENDPOINT) || Boolean(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
  return [...(exporter ? [exporter] : []), ...(otlp ? [new OTLPTraceExporter()] : [])];
}
