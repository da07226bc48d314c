import { context, propagation, trace } from "@opentelemetry/api";
import { CompositePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import type { Resource } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import { checkOptions, configureWaybill, reportFailure } from "@waybill/core";
import type { WaybillSettings } from "@waybill/core";
import { AsyncLocalStorageContextManager, IdentitySpanProcessor } from "@waybill/core/otel";
import { renderTimeline } from "@waybill/trace";

import { GuardedExporter } from "./guarded-exporter.ts";
import { InboundBaggagePropagator } from "./inbound-baggage-propagator.ts";
import { TraceRecorder } from "./trace-recorder.ts";
import type { TraceListener } from "./trace-recorder.ts";

/** Options of {@link startTracing}. */
export interface StartTracingOptions extends WaybillSettings {
  /** The service's name, as `service.name`. */
  readonly serviceName: string;

  /** The service's version, as `service.version`. */
  readonly serviceVersion?: string;

  /** Where the service runs (`production`, `staging`), as `deployment.environment.name`. */
  readonly environment?: string;

  /**
   * Where finished spans go, beside the OTLP endpoint that `OTEL_EXPORTER_OTLP_ENDPOINT` may name.
   *
   * @default nowhere
   */
  readonly exporter?: SpanExporter;

  /**
   * Further span processors. They see spans that carry their identity already.
   *
   * @default []
   */
  readonly spanProcessors?: readonly SpanProcessor[];

  /**
   * Which traces are recorded.
   *
   * @default all, unless the caller's trace says otherwise
   */
  readonly sampler?: Sampler;

  /** @default random ids */
  readonly idGenerator?: IdGenerator;

  /** Called with every trace when its last open span has ended. What it throws goes to `diag`. */
  readonly onTrace?: TraceListener;

  /**
   * Whether each trace is drawn as a timeline, and where.
   *
   * @default on stderr, if that is a terminal and `NODE_ENV` is not `production`
   */
  readonly timeline?: boolean | TimelineOptions;
}

/** How timelines are drawn. */
export interface TimelineOptions {
  /** @default writes to stderr */
  readonly write?: (text: string) => void;

  /**
   * The width in columns.
   *
   * @default the terminal's, else 100
   */
  readonly width?: number;

  /** @default true if stderr is a terminal and `NO_COLOR` is not set */
  readonly color?: boolean;
}

/** Tracing that has been started. */
export interface Tracing {
  /** Calls `listener` with every trace from now on; returns a function that stops it. */
  readonly onTrace: (listener: TraceListener) => () => void;

  /** Hands out the traces that are over, and exports the spans that have ended. Never rejects. */
  readonly flush: () => Promise<void>;

  /** Hands out all traces, exports what has ended, and takes everything down that was set up. Never rejects. */
  readonly shutdown: () => Promise<void>;
}

/**
 * Sets up OpenTelemetry for this process: a tracer provider, the context manager, W3C trace context, the identity on
 * every span of every library, and an in-process recorder.
 *
 * Spans are sent by OTLP/HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) is set; the
 * exporter reads its other settings from the standard variables too. Baggage of incoming requests is read; none is
 * written on outgoing ones. `OTEL_SDK_DISABLED=true` sets up nothing.
 *
 * @throws TypeError naming the option, if one is unknown or of the wrong type.
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
  const { captureContent, redact, maxAttributeBytes } = options;
  configureWaybill({
    ...(captureContent !== undefined && { captureContent }),
    ...(redact !== undefined && { redact }),
    ...(maxAttributeBytes !== undefined && { maxAttributeBytes }),
  });

  const recorder = new TraceRecorder();
  if (options.onTrace) recorder.onTrace(options.onTrace);
  const draw = timelineListener(options.timeline);
  if (draw) recorder.onTrace(draw);

  const disabled = process.env.OTEL_SDK_DISABLED?.toLowerCase() === "true";
  if (disabled) return { onTrace: () => () => {}, flush: async () => {}, shutdown: async () => {} };

  const provider = new TracerProvider({
    resource: serviceResource(options),
    spanProcessors: [
      new IdentitySpanProcessor(),
      ...(options.spanProcessors ?? []),
      recorder,
      ...exporters(options).map(
        (exporter) => new BatchSpanProcessor({ exporter: new GuardedExporter(exporter) }),
      ),
    ],
    ...(options.sampler && { sampler: options.sampler }),
    ...(options.idGenerator && { idGenerator: options.idGenerator }),
  });
  if (!trace.setGlobalTracerProvider(provider)) {
    throw new Error(
      "startTracing: an OpenTelemetry tracer provider is registered already; give it the `IdentitySpanProcessor` of @waybill/core/otel instead",
    );
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new InboundBaggagePropagator()],
    }),
  );

  return {
    onTrace: (listener) => recorder.onTrace(listener),
    flush: () => settled("tracing could not be flushed", () => provider.forceFlush()),
    async shutdown() {
      trace.disable();
      context.disable();
      propagation.disable();
      await settled("tracing could not be shut down", () => provider.shutdown());
    },
  };
}

function checkStartTracingOptions(options: StartTracingOptions): void {
  checkOptions("startTracing", options, {
    serviceName: "string",
    serviceVersion: "string",
    environment: "string",
    exporter: "object",
    spanProcessors: "array",
    sampler: "object",
    idGenerator: "object",
    onTrace: "function",
    timeline: ["boolean", "object"],
    captureContent: ["boolean", "object"],
    redact: "function",
    maxAttributeBytes: "non-negative integer",
  });
  if (options.serviceName === undefined || options.serviceName === "") {
    throw new TypeError("startTracing: option `serviceName` is required");
  }
  if (typeof options.timeline === "object") {
    checkOptions("startTracing `timeline`", options.timeline, {
      write: "function",
      width: "non-negative integer",
      color: "boolean",
    });
  }
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

function exporters({ exporter }: StartTracingOptions): readonly SpanExporter[] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = process.env;
  const otlp = Boolean(OTEL_EXPORTER_OTLP_ENDPOINT) || Boolean(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
  return [...(exporter ? [exporter] : []), ...(otlp ? [new OTLPTraceExporter()] : [])];
}

function timelineListener(timeline: StartTracingOptions["timeline"]): TraceListener | undefined {
  const { stderr } = process;
  const wanted = timeline ?? (stderr.isTTY && process.env.NODE_ENV !== "production");
  if (wanted === false || wanted === undefined) return undefined;

  const given = typeof wanted === "object" ? wanted : {};
  const write = given.write ?? ((text: string) => stderr.write(text));
  const color = given.color ?? (stderr.isTTY && !process.env.NO_COLOR);
  return (finished) => {
    const width = given.width ?? stderr.columns ?? 100;
    write(`${renderTimeline(finished, { width: Math.max(40, width), color })}\n`);
  };
}

async function settled(cause: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    reportFailure(cause, error);
  }
}
