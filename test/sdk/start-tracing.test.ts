import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import {
  diag,
  DiagLogLevel,
  propagation,
  context,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import {
  configureWaybill,
  traceAgentRun,
  traceLlmCall,
  traceToolCall,
  withBaggage,
  withIdentity,
  withSpan,
} from "@waybill/core";
import { AsyncLocalStorageContextManager } from "@waybill/core/otel";
import { startTracing } from "@waybill/sdk";
import type { StartTracingOptions, Tracing } from "@waybill/sdk";
import { toOtlpJson } from "@waybill/trace";
import type { Trace } from "@waybill/trace";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let tracing: Tracing | undefined;
let traces: Trace[] = [];
const warn = vi.fn();
beforeEach(() => {
  traces = [];
  warn.mockClear();
  diag.setLogger({ warn, error: warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(async () => {
  await tracing?.shutdown();
  tracing = undefined;
  diag.disable();
  vi.unstubAllEnvs();
  configureWaybill({
    captureContent: false,
    history: "new",
    redactors: {},
    redact: (text) => text,
    maxAttributeBytes: 16_384,
    graceMs: 60_000,
  });
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

function work(): void {
  withIdentity({ userId: "ada" }, () =>
    traceAgentRun({ agent: { name: "bot" } }, () => {
      traceLlmCall({ provider: "openai", model: "gpt-5" }, (span) => {
        span.addEvent("half way", { percent: 50 });
        span.recordResponse({
          usage: { inputTokens: 3, outputTokens: 1 },
          finishReasons: ["stop"],
        });
      });
      trace.getTracer("a database", "1.2.3").startSpan("SELECT orders").end();
    }),
  );
}

describe("startTracing", () => {
  it("hands each trace to `onTrace` as plain data, once its last span has ended", async () => {
    const running = start({ serviceVersion: "1.0", environment: "test" });
    work();
    const beforeFlush = traces.length;
    await running.flush();

    expect(beforeFlush).toBe(0);
    expect(traces).toHaveLength(1);
    expect(traces[0]?.spans.map(({ name }) => name)).toEqual([
      "invoke_agent bot",
      "chat gpt-5",
      "SELECT orders",
    ]);
    expect(traces[0]?.complete).toBe(true);
    expect(traces[0]?.identity).toMatchObject({ userId: "ada" });
    expect(traces[0]?.spans[0]?.resource).toMatchObject({
      "service.name": "test",
      "service.version": "1.0",
      "deployment.environment.name": "test",
    });
  });

  it("hands a trace out by itself, without a flush", async () => {
    const { promise, resolve } = Promise.withResolvers<Trace>();
    start({ onTrace: resolve });
    work();

    expect((await promise).spans).toHaveLength(3);
  });

  it("hands out a trace that is still running when it shuts down, and says that it is not complete", async () => {
    const running = start();
    trace.getTracer("theirs").startSpan("never ended");
    await running.shutdown();

    expect(traces.map(({ complete, spans }) => [complete, spans[0]?.endNs])).toEqual([
      [false, undefined],
    ]);
  });

  it("writes the identity on every span of every library", async () => {
    const exporter = new InMemorySpanExporter();
    const running = start({ exporter });
    work();
    await running.flush();

    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes["user.id"])).toEqual([
      "ada",
      "ada",
      "ada",
    ]);
  });

  it("lets no baggage leave the process, but the trace", () => {
    start();
    const carrier: Record<string, string> = {};
    withBaggage({ "user.id": "ada" }, () =>
      withSpan("work", () => propagation.inject(context.active(), carrier)),
    );

    expect(Object.keys(carrier)).toEqual(["traceparent"]);
  });

  it("lets baggage go to the hosts of `allowHosts` and to no other, but the trace to both", async () => {
    const received: unknown[] = [];
    const server = createServer(({ headers: { host, traceparent, baggage } }, response) => {
      received.push([host?.split(":")[0], traceparent?.slice(0, 3), baggage]);
      response.end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    const get = (host: string) => {
      const attributes = { "server.address": host };
      return withSpan("GET", { kind: SpanKind.CLIENT, attributes }, async () => {
        const headers: Record<string, string> = {};
        propagation.inject(context.active(), headers);
        await (await fetch(`http://${host}:${port}`, { headers })).text();
      });
    };

    start({ allowHosts: ["127.0.0.1"] });
    await withBaggage({ tenant: "acme" }, async () => {
      await get("127.0.0.1");
      await get("localhost");
    });
    server.closeAllConnections();
    server.close();

    expect(received).toEqual([
      ["127.0.0.1", "00-", "tenant=acme"],
      ["localhost", "00-", undefined],
    ]);
  });

  it("reads the caller's trace with its random flag, and its baggage", () => {
    start();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const caller = { traceparent: `00-${traceId}-b7ad6b7169203331-03`, baggage: "tenant=acme" };
    const carrier: Record<string, string> = {};
    const extracted = propagation.extract(ROOT_CONTEXT, caller);
    context.with(extracted, () =>
      withSpan("work", () => propagation.inject(context.active(), carrier)),
    );

    expect(propagation.getBaggage(extracted)?.getEntry("tenant")?.value).toBe("acme");
    expect(carrier.traceparent).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-03$`));
  });

  it("draws the timeline when asked to", async () => {
    const write = vi.fn<(text: string) => void>();
    const running = start({ timeline: { write, width: 80, color: false } });
    work();
    await running.flush();

    expect(write).toHaveBeenCalledTimes(1);
    expect(write.mock.calls[0]?.[0]).toMatch(/invoke_agent bot[^]*chat gpt-5[^]*SELECT orders/);
  });

  it("sends by OTLP/HTTP exactly what was recorded, to the endpoint of the environment", async () => {
    const bodies: unknown[] = [];
    const paths: unknown[] = [];
    const receiver = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        paths.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
        bodies.push(JSON.parse(body));
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
    await new Promise<void>((resolve) => {
      receiver.listen(0, "127.0.0.1", resolve);
    });
    vi.stubEnv(
      "OTEL_EXPORTER_OTLP_ENDPOINT",
      `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    );

    const running = start();
    work();
    await running.flush();
    await running.shutdown();
    receiver.closeAllConnections();
    receiver.close();

    expect(paths).toEqual(["POST /v1/traces application/json"]);
    const [recorded] = traces;
    expect(inStableOrder(bodies[0])).toEqual(inStableOrder(recorded && toOtlpJson(recorded)));
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("the exporter is broken");
      },
    ],
    [
      "fails",
      (_spans: ReadableSpan[], done: Parameters<SpanExporter["export"]>[1]) =>
        done({ code: 1, error: new Error("the exporter is broken") }),
    ],
  ])("keeps running when the exporter %s, and says so in `diag`", async (_title, exportSpans) => {
    const running = start({
      exporter: {
        export: exportSpans,
        shutdown: async () => {
          throw new Error("the exporter is broken");
        },
      },
    });
    work();
    await expect(running.flush()).resolves.toBeUndefined();
    await expect(running.shutdown()).resolves.toBeUndefined();

    expect(traces).toHaveLength(1);
    expect(JSON.stringify(warn.mock.calls)).toContain("export");
  });

  it("keeps running when an `onTrace` listener throws", async () => {
    const running = start({
      onTrace() {
        throw new Error("the listener is broken");
      },
    });
    const second = vi.fn<(finished: Trace) => void>();
    running.onTrace(second);
    work();
    await running.flush();

    expect(second).toHaveBeenCalledTimes(1);
  });

  it("sets nothing up when OTEL_SDK_DISABLED is true", async () => {
    vi.stubEnv("OTEL_SDK_DISABLED", "true");
    const running = start();
    work();
    await running.flush();

    expect(traces).toEqual([]);
    expect(trace.getTracer("x").startSpan("y").isRecording()).toBe(false);
  });

  it("can be started again after a shutdown, and not before", async () => {
    const first = start();
    expect(() => startTracing({ serviceName: "second", timeline: false })).toThrow(
      /registered already/,
    );
    await first.shutdown();

    const again = start();
    work();
    await again.flush();

    expect(traces).toHaveLength(1);
  });

  it("takes every setting of the process", async () => {
    const running = start({
      captureContent: { toolArguments: true },
      history: "full",
      redactors: { email: false },
      redact: (text) => text.replaceAll("gold", "lead"),
      maxAttributeBytes: 100,
      graceMs: 1000,
    });
    traceToolCall(
      { tool: "buy", arguments: { metal: "gold", to: "ada@example.com", note: "x".repeat(200) } },
      () => {},
    );
    await running.flush();

    expect(traces[0]?.spans[0]?.attributes["gen_ai.tool.call.arguments"]).toBe(
      '{"metal":"lead","to":"ada@example.com","note":"…"}',
    );
  });

  it("leaves everything as it was if it throws", async () => {
    const contents = async (options: object, message: RegExp): Promise<unknown> => {
      const running = start({ captureContent: false });
      expect(() => startTracing(options as StartTracingOptions)).toThrow(message);
      const tool = { tool: "buy", arguments: { metal: "gold" } };
      withIdentity({ userId: "ada" }, () => traceToolCall(tool, () => {}));
      await running.flush();
      await running.shutdown();
      return traces.pop()?.spans[0]?.attributes;
    };
    const onTrace = vi.fn<() => void>();
    const second = { serviceName: "second", timeline: false, captureContent: true, onTrace };
    const untouched = await contents(second, /registered already/);

    expect(untouched).toMatchObject({ "user.id": "ada" });
    expect(untouched).not.toHaveProperty("gen_ai.tool.call.arguments");
    expect(await contents({ ...second, exporter: {} }, /`exporter`/)).toEqual(untouched);
    expect(await contents({ ...second, allowHosts: ["https://x"] }, /hosts/i)).toEqual(untouched);
    expect(onTrace).not.toHaveBeenCalled();
  });

  it("leaves alone at its shutdown what it did not register", async () => {
    const theirs = new AsyncLocalStorageContextManager();
    context.setGlobalContextManager(theirs);
    await start().shutdown();
    const key = Symbol("theirs");

    expect(context.with(ROOT_CONTEXT.setValue(key, 1), () => context.active().getValue(key))).toBe(
      1,
    );
    context.disable();
  });

  it.each([
    [{}, /`serviceName` is required/],
    [{ serviceName: 42 }, /`serviceName` must be a string, got 42/],
    [{ serviceName: "x", exporters: [] }, /unknown option `exporters`/],
    [{ serviceName: "x", onTrace: true }, /`onTrace` must be a function, got true/],
    [{ serviceName: "x", timeline: "yes" }, /`timeline` must be a boolean or an object, got "yes"/],
    [{ serviceName: "x", timeline: { colour: true } }, /unknown option `colour`/],
    [{ serviceName: "x", allowHosts: "a.example" }, /`allowHosts` must be an array of strings/],
    [{ serviceName: "x", allowHosts: ["https://a.example"] }, /`allowHosts` must list host names/],
    [
      { serviceName: "x", exporter: {} },
      /`exporter` must have the functions `export` and `shutdown`, got none called `export`/,
    ],
    [{ serviceName: "x", exporter: { export() {} } }, /`exporter` .* none called `shutdown`/],
    [{ serviceName: "x", spanProcessors: [null] }, /`spanProcessors` .* got null/],
    [{ serviceName: "x", spanProcessors: ["all"] }, /`spanProcessors` .* got string/],
    [{ serviceName: "x", spanProcessors: [{}] }, /`spanProcessors` .* none called `onStart`/],
    [{ serviceName: "x", spanProcessors: [{ onStart() {} }] }, /none called `onEnd`/],
    [{ serviceName: "x", sampler: {} }, /`sampler` must have the functions `shouldSample`/],
    [{ serviceName: "x", idGenerator: {} }, /`idGenerator` .* none called `generateTraceId`/],
    [{ serviceName: "x", shutdownTimeoutMs: -1 }, /`shutdownTimeoutMs` must be a non-negative/],
    [
      { serviceName: "x", history: "old" },
      /startTracing: option `history` must be "new" or "full"/,
    ],
    [
      { serviceName: "x", redactors: { all: true } },
      /startTracing `redactors`: unknown option `all`/,
    ],
    [{ serviceName: "x", captureContent: { in: true } }, /startTracing `captureContent`: unknown/],
    [{ serviceName: "x", graceMs: "1s" }, /`graceMs` must be a non-negative integer, got "1s"/],
  ])("names the wrong option in %j", (options, message) => {
    expect(() => startTracing(options as StartTracingOptions)).toThrow(TypeError);
    expect(() => startTracing(options as StartTracingOptions)).toThrow(message);
  });
});

/** OTLP JSON with its spans in the order of their ids: an exporter sends them in the order in which they ended. */
function inStableOrder(otlp: unknown): unknown {
  return JSON.parse(JSON.stringify(otlp), (key, value: unknown) =>
    (key === "spans" || key === "scopeSpans") && Array.isArray(value)
      ? value.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
      : value,
  );
}
