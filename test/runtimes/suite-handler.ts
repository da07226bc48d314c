import { context, propagation, trace } from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import {
  AsyncLocalStorageContextManager,
  IdentitySpanProcessor,
  StrictW3CPropagator,
} from "@waybill/core/otel";
import type { ExecutionContext } from "hono";

import { honoSuite, leavingSuite } from "./hono-suite.ts";
import { nextTask } from "./next-task.ts";
import { processSuite } from "./process-suite.ts";
import { spanEvent, SpanLog } from "./span-log.ts";
import type { SpanEvent } from "./span-log.ts";
import type { Service, TestCase } from "./test-case.ts";
import { tracedApp } from "./traced-app.ts";

/** What a runtime says of itself: a line of JSON each. */
export type Message = SpanEvent | { readonly event: "listen"; readonly port: number };

/** Where a case of the suites is run within the runtime. All other paths are the traced app's. */
export const CASES_PATH = "/within-the-process/";

/** The answer of a case that passed; that of another one is its error. */
export const PASSED = "passed";

/** Sets OpenTelemetry up, and makes what a runtime's server calls for each request. */
export function suiteHandler(): (
  request: Request,
  env?: object,
  executionContext?: ExecutionContext,
) => Promise<Response> {
  const log = new SpanLog();
  const tell = (event: SpanEvent): void => {
    log.add(event);
    say(event);
  };
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new IdentitySpanProcessor(), new BatchProcessor(tell)] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new StrictW3CPropagator());

  const app = tracedApp();
  const within: Service = { log, request: async (path, init) => app.request(path, init) };
  const cases: readonly TestCase[] = [
    ...[...honoSuite, ...leavingSuite].map(({ name, run }) => ({ name, run: () => run(within) })),
    ...processSuite.map(({ name, run }) => ({ name, run: () => run(log) })),
  ];
  return async (request, env, executionContext) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(CASES_PATH)) {
      return app.fetch(request, env, executionContext);
    }
    const name = decodeURIComponent(pathname.slice(CASES_PATH.length));
    return new Response(await outcome(cases.find((candidate) => candidate.name === name)));
  };
}

async function outcome(testCase: TestCase | undefined): Promise<string> {
  if (testCase === undefined) return "there is no such case";
  try {
    await testCase.run();
    return PASSED;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Like the processors that export over the network: spans wait to be flushed, and a flush takes its time. */
class BatchProcessor implements SpanProcessor {
  readonly #tell: (event: SpanEvent) => void;
  #waiting: ReadableSpan[] = [];

  constructor(tell: (event: SpanEvent) => void) {
    this.#tell = tell;
  }

  onStart(span: ReadableSpan): void {
    this.#tell(spanEvent("start", span));
  }

  onEnd(span: ReadableSpan): void {
    this.#tell(spanEvent("end", span));
    this.#waiting.push(span);
  }

  async forceFlush(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    await nextTask();
    for (const span of batch) this.#tell(spanEvent("export", span));
  }

  async shutdown(): Promise<void> {}
}

/** Tells the process that started this one. */
export function say(message: Message): void {
  console.log(JSON.stringify(message));
}
