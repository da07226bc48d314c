import type { Finding } from "@waybill/core";
import { describe, expect, it } from "vitest";

import { printedBy } from "../support/readme.ts";

const IMPORTS = `
import { context, trace } from "@opentelemetry/api";
import { AlwaysOffSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { configureWaybill, doctor, traceLlmCall, withSpan } from "@waybill/core";
import { AsyncLocalStorageContextManager } from "@waybill/core/otel";
`;
const PROVIDER = "trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [] }));";
const CONTEXT = "context.setGlobalContextManager(new AsyncLocalStorageContextManager());";
const CONTENT = "configureWaybill({ captureContent: true });";

/** What the doctor finds in a process of its own, in which these statements ran. */
async function findings(
  statements: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Finding[]> {
  const program = [IMPORTS, ...statements, "console.log(JSON.stringify(doctor()));"].join("\n");
  return JSON.parse(await printedBy(program, env)) as readonly Finding[];
}

async function problems(
  statements: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<string[]> {
  return (await findings(statements, env)).map(({ problem }) => problem);
}

/** A mock of another copy of OpenTelemetry's API: what it leaves behind when a provider is registered with it. */
function otherApi(version: string): string {
  return `globalThis[Symbol.for("opentelemetry.js.api.1")] = {
    version: "${version}",
    trace: new TracerProvider({ spanProcessors: [] }),
    context: new AsyncLocalStorageContextManager(),
  };`;
}

describe.concurrent("the doctor", () => {
  it("finds nothing in a healthy set-up that records content", async () => {
    const statements = [PROVIDER, CONTEXT, CONTENT, 'withSpan("work", () => {});'];

    expect(await findings(statements)).toEqual([]);
  });

  it("finds nothing in what `startTracing` sets up", async () => {
    const startTracing = [
      'import { startTracing } from "@waybill/sdk";',
      'const tracing = startTracing({ serviceName: "healthy", captureContent: true });',
      'withSpan("work", () => {});',
    ];

    expect(await problems(startTracing)).toEqual([]);
  });

  it("finds that nothing is set up, the gravest first, and what to do", async () => {
    const found = await findings([]);

    expect(found.map(({ problem }) => problem)).toEqual([
      "no-provider",
      "no-context-manager",
      "content-off",
    ]);
    const advice = (problem: string) => found.find((each) => each.problem === problem)?.advice;
    expect(advice("no-provider")).toContain("Call `startTracing` of @waybill/sdk");
    expect(advice("no-context-manager")).toContain("`AsyncLocalStorageContextManager`");
    expect(advice("content-off")).toContain("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
  });

  it("finds that the provider was taken down", async () => {
    expect(await problems([PROVIDER, CONTEXT, CONTENT, "trace.disable();"])).toEqual([
      "no-provider",
    ]);
  });

  it("finds a missing context manager", async () => {
    expect(await problems([PROVIDER, CONTENT])).toEqual(["no-context-manager"]);
  });

  it("finds a provider that was registered with another copy of the API", async () => {
    const found = await findings([otherApi("1.9.0"), CONTENT, 'withSpan("work", () => {});']);

    expect(found.map(({ problem }) => problem)).toEqual(["two-apis", "no-context-manager"]);
    expect(found[0]?.advice).toContain("(1.9.0)");
    expect(found[0]?.advice).toContain("npm ls @opentelemetry/api");
  });

  it("finds no fault in a newer copy of the API, which this one sees", async () => {
    expect(await problems([otherApi("1.999.0"), CONTENT])).toEqual([]);
  });

  it("finds that spans were sampled out, and how many", async () => {
    const found = await findings([
      `trace.setGlobalTracerProvider(
        new TracerProvider({ spanProcessors: [], sampler: new AlwaysOffSampler() }),
      );`,
      CONTEXT,
      CONTENT,
      'withSpan("outer", () => withSpan("inner", () => {}));',
    ]);

    expect(found.map(({ problem }) => problem)).toEqual(["sampled-out"]);
    expect(found[0]?.advice).toContain("Of 2 spans that were started, 2 were not recorded");
  });

  it("finds that spans were started before tracing was set up", async () => {
    const found = await findings(['withSpan("early", () => {});', PROVIDER, CONTEXT, CONTENT]);

    expect(found.map(({ problem }) => problem)).toEqual(["sampled-out"]);
    expect(found[0]?.advice).toContain("started before tracing was set up");
  });

  it.each([
    ["one kind of content is recorded", ["configureWaybill({ captureContent: { input: true } });"]],
    ["the environment asks for content", []],
  ])("does not miss content where %s", async (_title, statements) => {
    const env =
      statements.length === 0 ? { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" } : {};

    expect(await problems([PROVIDER, CONTEXT, ...statements], env)).toEqual([]);
  });

  it("starts no span and changes nothing", async () => {
    const printed = await printedBy(`${IMPORTS}
      const names = [];
      const onStart = (span) => names.push(span.name);
      const nothing = async () => {};
      trace.setGlobalTracerProvider(
        new TracerProvider({
          spanProcessors: [{ onStart, onEnd() {}, forceFlush: nothing, shutdown: nothing }],
        }),
      );
      ${CONTEXT}
      const first = doctor();
      const again = doctor();
      console.log(names.length, JSON.stringify(first) === JSON.stringify(again));
    `);

    expect(printed.trim()).toBe("0 true");
  });
});
