import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { reportFailure } from "@waybill/core";

type ExportResultCallback = Parameters<SpanExporter["export"]>[1];

/** An exporter whose failures, thrown ones included, go to `diag` and nowhere else. */
export class GuardedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  export(spans: ReadableSpan[], done: ExportResultCallback): void {
    try {
      this.#exporter.export(spans, (result) => {
        if (result.error !== undefined) reportFailure("spans could not be exported", result.error);
        done(result);
      });
    } catch (error) {
      reportFailure("the exporter threw; its spans are lost", error);
      done({ code: 1, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  async forceFlush(): Promise<void> {
    await reported("the exporter could not be flushed", () => this.#exporter.forceFlush?.());
  }

  async shutdown(): Promise<void> {
    await reported("the exporter could not be shut down", () => this.#exporter.shutdown());
  }
}

async function reported(cause: string, run: () => Promise<void> | undefined): Promise<void> {
  try {
    await run();
  } catch (error) {
    reportFailure(cause, error);
  }
}
