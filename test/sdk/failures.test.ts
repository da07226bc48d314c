import { context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import { withIdentity, withSpan } from "@waybill/core";
import { startTracing } from "@waybill/sdk";
import type { StartTracingOptions, Tracing } from "@waybill/sdk";
import type { Trace } from "@waybill/trace";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heardByDiag } from "./heard-by-diag.ts";

type ExportDone = Parameters<SpanExporter["export"]>[1];

const heard = heardByDiag();
let tracing: Tracing | undefined;
let traces: Trace[] = [];
beforeEach(() => {
  traces = [];
});
afterEach(async () => {
  await tracing?.shutdown();
  tracing = undefined;
});

function start(options: Partial<StartTracingOptions> = {}): Tracing {
  tracing = startTracing({
    serviceName: "test",
    timeline: false,
    onTrace: (finished) => traces.push(finished),
    ...options,
  });
  return tracing;
}

function fail(what: string): never {
  throw new Error(`broken ${what}`);
}

describe("an exporter", () => {
  it.each<[string, SpanExporter["export"], string]>([
    ["throws", () => fail("export"), "broken export"],
    ["rejects", async () => fail("export"), "broken export"],
    [
      "fails",
      (_spans, done) => done({ code: 1, error: new Error("broken export") }),
      "broken export",
    ],
    ["fails without saying why", (_spans, done) => done({ code: 1 }), "could not be exported"],
    [
      "says nothing of its result",
      (_spans, done) => (done as () => void)(),
      "could not be exported",
    ],
    [
      "throws after it was done",
      (_spans, done) => {
        done({ code: 0 });
        done({ code: 0 });
        fail("export");
      },
      "broken export",
    ],
  ])("that %s is told of in `diag`, and nothing waits for it", async (_title, exported, told) => {
    const running = start({ exporter: { export: exported, shutdown: async () => {} } });
    withSpan("work", () => {});
    await running.flush();

    expect(heard()).toContain(told);
    expect(traces).toHaveLength(1);
  });

  it("may have a `forceFlush` and a `shutdown` that throw or reject", async () => {
    const running = start({
      exporter: {
        export: (_spans, done) => done({ code: 0 }),
        forceFlush: () => fail("flush"),
        shutdown: async () => fail("shutdown"),
      },
    });
    await expect(running.flush()).resolves.toBeUndefined();
    await expect(running.shutdown()).resolves.toBeUndefined();

    expect(heard()).toContain("broken flush");
    expect(heard()).toContain("broken shutdown");
  });

  it("is waited for by a flush, also if the export began before", async () => {
    const dones: ExportDone[] = [];
    const running = start({
      exporter: { export: (_spans, done) => void dones.push(done), shutdown: async () => {} },
    });
    withSpan("work", () => {});
    void running.flush();
    const flushed = vi.fn<() => void>();
    const second = running.flush().then(flushed);
    await vi.advanceTimersByTimeAsync(1000);
    const flushedEarly = flushed.mock.calls.length;
    dones[0]?.({ code: 0 });
    await second;

    expect(flushedEarly).toBe(0);
    expect(heard()).toBe("");
  });

  it("makes no spans, and sees no identity", async () => {
    const seen: unknown[] = [];
    const exported: string[] = [];
    const running = start({
      exporter: {
        async export(spans, done) {
          exported.push(...spans.map(({ name }) => name));
          seen.push(context.active().getValue(Symbol.for("test")));
          await withSpan("send", async () => {});
          withSpan("sent", () => {});
          done({ code: 0 });
        },
        shutdown: async () => {},
      },
    });
    await context.with(ROOT_CONTEXT.setValue(Symbol.for("test"), "request"), async () => {
      withSpan("work", () => {});
      await running.flush();
    });
    await running.flush();

    expect(exported).toEqual(["work"]);
    expect(seen).toEqual([undefined]);
  });
});

describe("a listener", () => {
  it.each<[string, () => void]>([
    ["throws", () => fail("listener")],
    ["rejects", async () => fail("listener")],
    // oxlint-disable-next-line unicorn/no-thenable -- that is the case
    ["returns a broken thenable", () => ({ then: () => fail("listener") }) as unknown as void],
  ])(
    "that %s is told of in `diag`, and the others still hear of the trace",
    async (_, listener) => {
      const running = start({ onTrace: listener });
      const second = vi.fn<(finished: Trace) => void>();
      running.onTrace(second);
      withSpan("work", () => {});
      await running.flush();

      expect(second).toHaveBeenCalledTimes(1);
      expect(heard()).toContain("broken listener");
    },
  );

  it.each<[string, () => void]>([
    ["throws", () => fail("write")],
    ["rejects", async () => fail("write")],
  ])("that draws may have a `write` that %s", async (_, write) => {
    const running = start({ timeline: { write } });
    withSpan("work", () => {});
    await running.flush();

    expect(traces).toHaveLength(1);
    expect(heard()).toContain("broken write");
  });

  it("makes no spans, before and after it has awaited something: it would hear of them again", async () => {
    const heardNames: string[][] = [];
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const running = start({
      async onTrace({ spans }) {
        heardNames.push(spans.map(({ name }) => name));
        withSpan("save", () => {});
        await Promise.resolve();
        trace.getTracer("an HTTP client").startSpan("POST").end();
        resolve();
      },
    });
    withIdentity({ userId: "ada" }, () => withSpan("work", () => {}));
    await running.flush();
    await over;
    await running.flush();
    await running.shutdown();

    expect(heardNames).toEqual([["work"]]);
  });
});

describe("a span processor", () => {
  const quiet: SpanProcessor = {
    onStart() {},
    onEnd() {},
    forceFlush: async () => {},
    shutdown: async () => {},
  };

  it.each<[string, SpanProcessor]>([
    ["`onStart` throws", { ...quiet, onStart: () => fail("processor") }],
    ["`onEnding` throws", { ...quiet, onEnding: () => fail("processor") }],
    ["`onEnd` throws", { ...quiet, onEnd: () => fail("processor") }],
    ["`onStart` rejects", { ...quiet, onStart: async () => fail("processor") }],
    ["`onEnd` rejects", { ...quiet, onEnd: async () => fail("processor") }],
    ["`forceFlush` throws", { ...quiet, forceFlush: () => fail("processor") }],
    ["`shutdown` throws", { ...quiet, shutdown: () => fail("processor") }],
    ["`shutdown` rejects", { ...quiet, shutdown: async () => fail("processor") }],
  ])("whose %s does not reach the application, nor what comes after it", async (_, processor) => {
    const exported: string[] = [];
    const exporter: SpanExporter = {
      export(spans, done) {
        exported.push(...spans.map(({ name }) => name));
        done({ code: 0 });
      },
      shutdown: async () => {},
    };
    const names: string[] = [];
    const after = { ...quiet, onEnd: ({ name }: ReadableSpan) => void names.push(name) };
    const running = start({ exporter, spanProcessors: [processor, after] });

    expect(withSpan("work", () => 42)).toBe(42);
    trace.getTracer("theirs").startSpan("query").end();
    await running.flush();
    await running.shutdown();

    expect(heard()).toContain("broken processor");
    expect(names).toEqual(["work", "query"]);
    expect(exported).toEqual(["work", "query"]);
    expect(traces).toHaveLength(2);
  });

  it("is handed each event of a span", async () => {
    const events: string[] = [];
    const running = start({
      spanProcessors: [
        {
          onStart: ({ name }) => void events.push(`start ${name}`),
          onEnding: (span) => void events.push(`ending ${span.isRecording()}`),
          onEnd: ({ ended }) => void events.push(`end ${ended}`),
          forceFlush: async () => void events.push("flush"),
          shutdown: async () => void events.push("shutdown"),
        },
      ],
    });
    withSpan("work", () => {});
    await running.flush();
    await running.shutdown();

    expect(events).toEqual(["start work", "ending true", "end true", "flush", "shutdown"]);
  });
});

describe("a sampler", () => {
  it.each<[string, () => never]>([
    ["throws", () => fail("sampler")],
    ["decides nothing", () => undefined as never],
    ["rejects", (async () => fail("sampler")) as () => never],
  ])("that %s records nothing, and the application goes on", async (_, shouldSample) => {
    const running = start({ sampler: { shouldSample } });

    expect(withSpan("work", () => 42)).toBe(42);
    expect(trace.getTracer("theirs").startSpan("query").isRecording()).toBe(false);
    await running.flush();

    expect(traces).toEqual([]);
    expect(heard()).toContain("the sampler made no decision");
  });

  it("decides as it says", async () => {
    const running = start({
      sampler: {
        shouldSample: (_context, _traceId, name) => ({
          decision:
            name === "noise" ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
          attributes: { "sampled.by": "test" },
        }),
      },
    });
    withSpan("noise", () => {});
    withSpan("work", () => {});
    await running.flush();

    expect(traces.map(({ spans }) => [spans[0]?.name, spans[0]?.attributes["sampled.by"]])).toEqual(
      [["work", "test"]],
    );
    expect(heard()).toBe("");
  });
});

describe("an id generator", () => {
  it.each<[string, () => string]>([
    ["throws", () => fail("generator")],
    ["gives no id", () => undefined as unknown as string],
    ["gives an invalid id", () => "0".repeat(32)],
  ])("that %s is replaced by a random one for that span", async (_, generate) => {
    const running = start({ idGenerator: { generateTraceId: generate, generateSpanId: generate } });

    expect(withSpan("work", () => withSpan("step", () => 42))).toBe(42);
    await running.flush();

    expect(traces).toHaveLength(1);
    expect(traces[0]?.complete).toBe(true);
    expect(traces[0]?.roots[0]?.children).toHaveLength(1);
    expect(traces[0]?.traceId).toMatch(/^(?!0+$)[\da-f]{32}$/);
    expect(heard()).toContain("gave no valid id");
  });

  it("makes the ids", async () => {
    let count = 0;
    const running = start({
      idGenerator: {
        generateTraceId: () => "a".repeat(32),
        generateSpanId: () => String(++count).padStart(16, "0"),
      },
    });
    withSpan("work", () => withSpan("step", () => {}));
    await running.flush();

    expect(traces[0]?.traceId).toBe("a".repeat(32));
    expect(traces[0]?.spans.map(({ spanId }) => Number(spanId))).toEqual([1, 2]);
  });
});
