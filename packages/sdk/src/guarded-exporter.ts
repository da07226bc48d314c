import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { attempt, reportFailure } from "@waybill/core";

import { contain } from "./contain.ts";
import { withoutTracing } from "./without-tracing.ts";

type ExportDone = Parameters<SpanExporter["export"]>[1];
type ExportResult = Parameters<ExportDone>[0];

/** As long as the SDK's batch processor waits. */
const EXPORT_LIMIT_MS = 30_000;

/**
 * An exporter whose failures go to `diag` and nowhere else, whether it throws, rejects or says so. What it does makes no
 * spans.
 */
export class GuardedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #exports = new Set<PromiseWithResolvers<ExportResult>>();
  #shutdown: Promise<void> | undefined;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  /** Calls `done` once, as soon as the exporter has called it, thrown or rejected, or after 30 seconds. */
  export(spans: ReadableSpan[], done: ExportDone): void {
    const end = Promise.withResolvers<ExportResult>();
    this.#exports.add(end);
    void this.#run(spans, end.resolve);
    void this.#tell(end, done);
  }

  /** Resolves once nothing is being exported and the exporter has nothing left. */
  async forceFlush(): Promise<void> {
    await this.#idle();
    await contain("the exporter could not be flushed", () =>
      withoutTracing(() => this.#exporter.forceFlush?.()),
    );
  }

  /** Shuts the exporter down, once, when nothing is being exported any more. */
  shutdown(): Promise<void> {
    return (this.#shutdown ??= this.#shutDown());
  }

  /** Waits no longer for what is still being exported: it counts as failed. */
  giveUp(): void {
    for (const end of this.#exports) end.resolve(tookTooLong());
  }

  async #run(spans: ReadableSpan[], resolve: ExportDone): Promise<void> {
    try {
      const returned: unknown = withoutTracing(() =>
        this.#exporter.export(spans, (result) => resolve(checked(result))),
      );
      await returned;
    } catch (error) {
      reportFailure("the exporter threw; its spans are lost", error);
      resolve(failed(error));
    }
  }

  async #tell(end: PromiseWithResolvers<ExportResult>, done: ExportDone): Promise<void> {
    const timer = setTimeout(() => end.resolve(tookTooLong()), EXPORT_LIMIT_MS);
    timer.unref();
    const result = await end.promise;
    clearTimeout(timer);
    this.#exports.delete(end);
    attempt("the end of an export could not be told", () => done(result));
  }

  async #idle(): Promise<void> {
    await Promise.all(Array.from(this.#exports, ({ promise }) => promise));
  }

  async #shutDown(): Promise<void> {
    await this.#idle();
    await contain("the exporter could not be shut down", () =>
      withoutTracing(() => this.#exporter.shutdown()),
    );
  }
}

function checked(result: ExportResult | undefined): ExportResult {
  const success = Number(result?.code) === 0;
  if (!success) reportFailure("spans could not be exported", result?.error);
  return result ?? failed("the exporter gave no result");
}

function tookTooLong(): ExportResult {
  const cause = "an export took too long; its spans may be lost";
  reportFailure(cause);
  return failed(cause);
}

function failed(error: unknown): ExportResult {
  return { code: 1, error: error instanceof Error ? error : new Error(String(error)) };
}
