import { trace } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import { startSpan, traceAgentRun, traceToolCall, withSpan } from "@waybill/core";
import { startTracing } from "@waybill/sdk";
import type { StartTracingOptions, Tracing } from "@waybill/sdk";
import type { Trace } from "@waybill/trace";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heardByDiag } from "./heard-by-diag.ts";

const heard = heardByDiag();
let tracing: Tracing | undefined;
let traces: Trace[] = [];
beforeEach(() => {
  traces = [];
});
afterEach(async () => {
  const down = tracing?.shutdown();
  await vi.advanceTimersByTimeAsync(20_000);
  await down;
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

function forever(): Promise<never> {
  return new Promise(() => {});
}

const good: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};

const processor = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};

/** Whether a promise is fulfilled by the end of each of these times, in milliseconds. */
async function settledBy(promise: Promise<void>, ...timesMs: number[]): Promise<boolean[]> {
  let settled = false;
  void promise.then(() => (settled = true));
  const seen: boolean[] = [];
  let nowMs = 0;
  for (const timeMs of timesMs) {
    // oxlint-disable-next-line no-await-in-loop -- time passes step by step
    await vi.advanceTimersByTimeAsync(timeMs - nowMs);
    nowMs = timeMs;
    seen.push(settled);
  }
  return seen;
}

describe("flush", () => {
  it.each<[string, Partial<StartTracingOptions>]>([
    ["an export that never ends", { exporter: { ...good, export() {} } }],
    ["an exporter's `forceFlush`", { exporter: { ...good, forceFlush: forever } }],
    ["a processor's `forceFlush`", { spanProcessors: [{ ...processor, forceFlush: forever }] }],
  ])("waits no longer than 10 seconds for %s, and says so", async (_, options) => {
    const running = start(options);
    withSpan("work", () => {});

    expect(await settledBy(running.flush(), 9999, 10_000)).toEqual([false, true]);
    expect(heard()).toContain("tracing could not be flushed within 10000 ms");
    expect(traces).toHaveLength(1);
  });

  it("waits no longer than `shutdownTimeoutMs`", async () => {
    const running = start({ exporter: { ...good, export() {} }, shutdownTimeoutMs: 50 });
    withSpan("work", () => {});

    expect(await settledBy(running.flush(), 49, 50)).toEqual([false, true]);
  });

  it("waits as long as a timer can if `shutdownTimeoutMs` is longer", async () => {
    const { promise: sent, resolve: send } = Promise.withResolvers<void>();
    const exporter = { ...good, forceFlush: () => sent };
    const running = start({ exporter, shutdownTimeoutMs: Number.MAX_SAFE_INTEGER });
    const flushed = running.flush();

    expect(await settledBy(flushed, 60_000)).toEqual([false]);
    send();
    await flushed;
  });

  it("forgets an export that never ends after 30 seconds", async () => {
    const running = start({ exporter: { ...good, export() {} } });
    withSpan("work", () => {});
    await settledBy(running.flush(), 30_000);

    expect(await settledBy(running.flush(), 1)).toEqual([true]);
  });
});

describe("shutdown", () => {
  it.each<[string, Partial<StartTracingOptions>]>([
    ["an export that never ends", { exporter: { ...good, export() {} } }],
    ["an exporter's `shutdown`", { exporter: { ...good, shutdown: forever } }],
    ["a processor's `shutdown`", { spanProcessors: [{ ...processor, shutdown: forever }] }],
  ])("waits no longer than 10 seconds for %s, and says so", async (_, options) => {
    const running = start(options);
    withSpan("work", () => {});

    expect(await settledBy(running.shutdown(), 9999, 10_000)).toEqual([false, true]);
    expect(heard()).toContain("tracing could not be shut down within 10000 ms");
    expect(traces).toHaveLength(1);
  });

  it("leaves no timer behind when it has given an export up, and shuts its exporter down", async () => {
    const shutdown = vi.fn<() => Promise<void>>(async () => {});
    const running = start({ exporter: { export() {}, shutdown } });
    withSpan("work", () => {});
    await settledBy(running.shutdown(), 10_000);

    expect(vi.getTimerCount()).toBe(0);
    expect(shutdown).toHaveBeenCalledTimes(1);
  });

  it("shuts the exporter down although the last export failed", async () => {
    const shutdown = vi.fn<() => Promise<void>>(async () => {});
    const running = start({ exporter: { export: (_spans, done) => done({ code: 1 }), shutdown } });
    withSpan("work", () => {});
    await running.shutdown();

    expect(shutdown).toHaveBeenCalledTimes(1);
  });

  it("waits for an export that is under way before it shuts the exporter down", async () => {
    const order: string[] = [];
    const { promise: sent, resolve: send } = Promise.withResolvers<void>();
    const running = start({
      exporter: {
        async export(_spans, done) {
          await sent;
          order.push("exported");
          done({ code: 0 });
        },
        shutdown: async () => void order.push("shut down"),
      },
    });
    withSpan("work", () => {});
    void running.flush();
    const down = running.shutdown();
    await vi.advanceTimersByTimeAsync(100);
    send();
    await down;

    expect(order).toEqual(["exported", "shut down"]);
  });

  it("ends what is still open as abandoned, inner operations first, and exports it", async () => {
    const exported: unknown[] = [];
    const running = start({
      exporter: {
        ...good,
        export(spans, done) {
          exported.push(...spans.map((span) => [span.name, span.attributes["waybill.outcome"]]));
          done({ code: 0 });
        },
      },
    });
    void traceAgentRun({ agent: { name: "bot" } }, () => traceToolCall({ tool: "wait" }, forever));
    const span = startSpan("never ended");
    await running.shutdown();
    span.end();

    expect(exported).toEqual([
      ["execute_tool wait", "abandoned"],
      ["invoke_agent bot", "abandoned"],
      ["never ended", "abandoned"],
    ]);
    expect(traces.map(({ complete }) => complete)).toEqual([true, true]);
  });

  it("hands out no span that ends or starts later", async () => {
    const running = start();
    const tracer = trace.getTracer("theirs");
    const late = tracer.startSpan("late");
    tracer.startSpan("over").end();
    await running.shutdown();
    const handedOut = traces.length;
    late.end();
    tracer.startSpan("later").end();
    await running.flush();
    await vi.advanceTimersByTimeAsync(1000);

    expect(handedOut).toBe(2);
    expect(traces).toHaveLength(2);
  });

  it("does nothing a second time: what was started since goes on", async () => {
    const first = start();
    await first.shutdown();
    const second = start();
    await first.shutdown();
    withSpan("work", () => {});
    await second.flush();

    expect(traces).toHaveLength(1);
  });

  it("lets listeners make no spans even then", async () => {
    const names: string[] = [];
    const onEnd = ({ name }: { readonly name: string }): void => void names.push(name);
    const tracer = trace.getTracer("theirs");
    const running = start({
      spanProcessors: [{ ...processor, onEnd }],
      onTrace: () => tracer.startSpan("save").end(),
    });
    tracer.startSpan("work").end();
    await running.shutdown();

    expect(names).toEqual(["work"]);
  });
});
