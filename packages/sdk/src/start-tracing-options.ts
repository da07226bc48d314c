import type { IdGenerator, Sampler, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import { checkOptions, checkSettings } from "@waybill/core";
import type { WaybillSettings } from "@waybill/core";

import type { TraceListener } from "./trace-recorder.ts";

/** Options of `startTracing`. */
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

  /**
   * The hosts that outgoing requests may take baggage to, which may say who the user is: names and addresses
   * (`orders.internal`, `10.0.0.7`), or `*.example.com` for every subdomain of a domain. The trace goes to everybody.
   *
   * It takes an instrumentation of the HTTP client, or `propagatingFetch` of `@waybill/core/http`, to know the host: where
   * neither does and the active span does not name one (as `server.address`), no baggage leaves.
   *
   * @default []
   */
  readonly allowHosts?: readonly string[];

  /**
   * Makes the ids. One that is not valid is replaced by a random one.
   *
   * @default random ids
   */
  readonly idGenerator?: IdGenerator;

  /**
   * Called with every trace when its last open span has ended. It makes no spans itself. What it throws, or rejects with,
   * goes to `diag`; a promise is not waited for.
   */
  readonly onTrace?: TraceListener;

  /**
   * Whether each trace is drawn as a timeline, and where.
   *
   * @default on stderr, if that is a terminal and `NODE_ENV` is not `production`
   */
  readonly timeline?: boolean | TimelineOptions;

  /**
   * How long `flush()` and `shutdown()` may take, each, in milliseconds. What has not been
   * exported by then is given up at a shutdown, and goes on after a flush.
   *
   * @default 10000
   */
  readonly shutdownTimeoutMs?: number;
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

/** The options that are no settings. */
const OWN_OPTIONS = {
  serviceName: "string",
  serviceVersion: "string",
  environment: "string",
  exporter: "object",
  spanProcessors: "array",
  sampler: "object",
  allowHosts: "array of strings",
  idGenerator: "object",
  onTrace: "function",
  timeline: ["boolean", "object"],
  shutdownTimeoutMs: "non-negative integer",
} as const;

/** @throws TypeError naming the option, if one is missing, unknown or of the wrong type. */
export function checkStartTracingOptions(options: StartTracingOptions): void {
  checkSettings("startTracing", options, OWN_OPTIONS);
  const { serviceName, exporter, spanProcessors = [], sampler, idGenerator, timeline } = options;
  if (serviceName === undefined || serviceName === "") {
    throw new TypeError("startTracing: option `serviceName` is required");
  }
  if (exporter) checkFunctions("exporter", exporter, ["export", "shutdown"]);
  for (const processor of spanProcessors) {
    checkFunctions("spanProcessors", processor, ["onStart", "onEnd"]);
  }
  if (sampler) checkFunctions("sampler", sampler, ["shouldSample"]);
  if (idGenerator)
    checkFunctions("idGenerator", idGenerator, ["generateTraceId", "generateSpanId"]);
  if (typeof timeline === "object") {
    checkOptions("startTracing `timeline`", timeline, {
      write: "function",
      width: "non-negative integer",
      color: "boolean",
    });
  }
}

/** The settings of the whole process among the options, those that are given. */
export function settingsOf(options: StartTracingOptions): WaybillSettings {
  const given = Object.entries(options).filter(
    ([name, value]) => !Object.hasOwn(OWN_OPTIONS, name) && value !== undefined,
  );
  return Object.fromEntries(given);
}

function checkFunctions(option: string, given: unknown, names: readonly string[]): void {
  const isObject = typeof given === "object" && given !== null;
  const missing = isObject
    ? names.find((name) => typeof Reflect.get(given, name) !== "function")
    : names[0];
  if (missing === undefined) return;
  const got = isObject ? `none called \`${missing}\`` : given === null ? "null" : typeof given;
  const functions = names.map((name) => `\`${name}\``).join(" and ");
  throw new TypeError(
    `startTracing: option \`${option}\` must have the functions ${functions}, got ${got}`,
  );
}
