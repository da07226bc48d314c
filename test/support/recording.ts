import { context, propagation, trace } from "@opentelemetry/api";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, Sampler, SpanProcessor } from "@opentelemetry/sdk-trace";
import { AsyncLocalStorageContextManager, IdentitySpanProcessor } from "@waybill/core/otel";

/** OpenTelemetry set up for a test, with everything that has ended in memory. */
export interface Recording {
  /** The spans that have ended, in the order of their start. */
  readonly spans: () => ReadableSpan[];

  /** The names of the spans that have ended, in the order of their end. */
  readonly endings: () => string[];

  /** How many spans were started and not yet ended. */
  readonly open: () => number;

  /** Resolves once no span is open. */
  readonly idle: () => Promise<void>;

  /** Takes the set-up down. */
  readonly stop: () => Promise<void>;
}

const DOES_NOTHING: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};

/** What a test may put into the set-up. */
export interface RecordingOptions {
  readonly sampler?: Pick<Sampler, "shouldSample"> & Partial<Sampler>;
  readonly processor?: Partial<SpanProcessor>;
}

/** Sets OpenTelemetry up as an application would, without `@waybill/sdk`. */
export function startRecording({ sampler, processor }: RecordingOptions = {}): Recording {
  const started: ReadableSpan[] = [];
  const endings: string[] = [];
  let open = 0;
  let waiting: (() => void)[] = [];
  const counter: SpanProcessor = {
    onStart(span) {
      started.push(span);
      open += 1;
    },
    onEnd({ name }) {
      endings.push(name);
      open -= 1;
      if (open > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const provider = new TracerProvider({
    spanProcessors: [
      new IdentitySpanProcessor(),
      counter,
      ...(processor ? [{ ...DOES_NOTHING, ...processor }] : []),
    ],
    ...(sampler && { sampler: { toString: () => "the test's sampler", ...sampler } }),
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  );

  return {
    spans: () => started.filter(({ ended }) => ended),
    endings: () => [...endings],
    open: () => open,
    idle: () => (open === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async stop() {
      trace.disable();
      context.disable();
      propagation.disable();
      await provider.shutdown();
    },
  };
}
