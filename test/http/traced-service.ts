import { diag, SpanKind } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { TraceMiddlewareOptions } from "@waybill/core/http";
import { afterEach, beforeEach, describe, vi } from "vitest";

import { SERVICES } from "../support/http-services.ts";
import type { Service, ServiceOptions } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording, RecordingOptions } from "../support/recording.ts";

export type Options = TraceMiddlewareOptions<unknown>;

/** What a test of both middlewares works with. */
export interface TracedService {
  readonly framework: string;

  /** Whether a response of 500 comes with the error that it is for. */
  readonly tells: boolean;

  /** Starts the service, with options of its middleware. */
  readonly start: (options?: Options, others?: ServiceOptions) => Promise<Service>;

  /** Sends the started service a request, and resolves when its spans have ended. */
  readonly get: (
    path: string,
    headers?: Record<string, string>,
    method?: string,
  ) => Promise<Answer>;

  readonly recording: () => Recording;

  /** The one SERVER span. */
  readonly serverSpan: () => ReadableSpan;

  /** What `diag` has heard. */
  readonly warnings: () => string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** Describes what holds for the small service on each framework. */
export function describeServices(
  title: string,
  body: (service: TracedService) => void,
  recordingOptions: RecordingOptions = {},
): void {
  describe.each(SERVICES)(`${title}: $framework`, ({ framework, tells, start }) => {
    let recording: Recording;
    let service: Service | undefined;
    let heard: string[] = [];
    beforeEach(() => {
      recording = startRecording(recordingOptions);
      heard = [];
      // Each cause is told once a minute.
      (globalThis as { [key: symbol]: { reportedFailures?: Map<string, unknown> } })[
        Symbol.for("waybill.core.1")
      ]?.reportedFailures?.clear();
      const note = (message: string) => void heard.push(message);
      diag.setLogger({ error: note, warn: note, info() {}, debug() {}, verbose() {} });
      vi.spyOn(console, "error").mockImplementation(() => {});
    });
    afterEach(async () => {
      await service?.close();
      service = undefined;
      vi.restoreAllMocks();
      diag.disable();
      await recording.stop();
    });

    body({
      framework,
      tells,
      async start(options = {}, others = {}) {
        await service?.close();
        service = await start({ options, ...others });
        return service;
      },
      async get(path, headers = {}, method = "GET") {
        service ??= await start();
        const response = await fetch(service.url + path, { headers, method });
        const answer = {
          status: response.status,
          body: await response.text(),
          headers: response.headers,
        };
        await recording.idle();
        return answer;
      },
      recording: () => recording,
      serverSpan() {
        const [span, ...others] = recording.spans().filter(({ kind }) => kind === SpanKind.SERVER);
        if (span === undefined || others.length > 0)
          throw new Error("there is not one SERVER span");
        return span;
      },
      warnings: () => heard.join("\n"),
    });
  });
}
