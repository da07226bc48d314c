import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Attributes, Tracer } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

export const REMOTE_PARENT = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  traceFlags: 1,
  isRemote: true,
  traceState: new TraceState("vendor=1,other=2"),
};

/** Attribute values of every type that the SDK records. */
export const EVERY_TYPE: Attributes = {
  text: "grüße 😀",
  empty: "",
  yes: true,
  whole: 12,
  negative: -3,
  big: 2 ** 53 + 2,
  fraction: 0.25,
  nothing: null,
  bytes: new Uint8Array([0, 1, 254, 255]),
  list: ["a", "b"],
  mixed: ["a", 1, 0.5, true, null, ["nested"], { deep: [1] }],
  emptyList: [],
  object: { name: "ada", tags: ["x"], none: null, inner: { whole: 1 }, empty: {} },
  "10": "a key that looks like an index",
};

/**
 * Spans as the real SDK ends them, in the order of their start: a remote parent, links of both kinds, events, both
 * statuses, two libraries, limits that dropped something.
 */
export function recordedSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes(
      { "service.name": "support-desk", "process.pid": 42, "host.names": ["a", "b"] },
      { schemaUrl: "https://opentelemetry.io/schemas/1.37.0" },
    ),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    spanLimits: { attributeCountLimit: 16, eventCountLimit: 2, linkCountLimit: 3 },
  });
  const versioned = provider.getTracer("library", "1.2.3", {
    schemaUrl: "https://opentelemetry.io/schemas/1.36.0",
  });
  const bare = provider.getTracer("bare");
  record(versioned, bare);
  return exporter
    .getFinishedSpans()
    .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]);
}

function record(versioned: Tracer, bare: Tracer): void {
  const remote = trace.setSpanContext(ROOT_CONTEXT, REMOTE_PARENT);
  const request = versioned.startSpan(
    "POST /chat",
    { kind: SpanKind.SERVER, startTime: [1_795_359_600, 209_712_345] },
    remote,
  );
  const inRequest = trace.setSpan(ROOT_CONTEXT, request);

  const call = bare.startSpan(
    "chat gpt-5",
    {
      kind: SpanKind.CLIENT,
      attributes: EVERY_TYPE,
      startTime: [1_795_359_600, 300_000_001],
      links: [
        { context: request.spanContext(), attributes: { dropped: true } },
        { context: REMOTE_PARENT, attributes: { why: "remote" } },
        { context: { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 0 } },
        { context: request.spanContext(), attributes: { "opentracing.ref_type": "child_of" } },
      ],
    },
    inRequest,
  );
  call.addEvent("dropped", { at: 0 }, [1_795_359_600, 300_000_002]);
  call.addEvent("first chunk", { tokens: 1, text: "a" }, [1_795_359_600, 400_000_001]);
  call.addEvent("bare", [1_795_359_600, 400_000_002]);
  for (const index of [1, 2, 3, 4, 5]) call.setAttribute(`more ${index}`, index);
  call.setStatus({ code: SpanStatusCode.ERROR, message: "rate limited" });
  call.end([1_795_359_600, 500_000_999]);

  const work = versioned.startSpan(
    "work",
    { kind: SpanKind.PRODUCER, startTime: [1_795_359_600, 600_000_000] },
    inRequest,
  );
  work.setStatus({ code: SpanStatusCode.OK });
  work.end([1_795_359_600, 600_000_000]);
  request.end([1_795_359_602, 0]);
}
