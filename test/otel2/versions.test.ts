import { createRequire } from "node:module";

import { trace } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";

it("runs on API 1.9 and SDK 2: the same API that the SDK registers with", async () => {
  const recording = startRecording();
  const span = trace.getTracer("test").startSpan("work");
  span.end();

  const { version } = createRequire(import.meta.url)("@opentelemetry/sdk-trace/package.json");
  expect(version).toMatch(/^2\./);
  expect(
    (globalThis as { [key: symbol]: { version?: string } })[Symbol.for("opentelemetry.js.api.1")]
      ?.version,
  ).toMatch(/^1\.9\./);
  expect(recording.spans().map(({ name }) => name)).toEqual(["work"]);
  await recording.stop();
});

it("records an exception on its span, whatever signal is asked for, where there are no log records", async () => {
  process.env["OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"] = "logs";
  const recording = startRecording();
  expect(() =>
    withSpan("work", () => {
      throw new Error("no");
    }),
  ).toThrow("no");
  delete process.env["OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"];

  expect(recording.spans()[0]?.events.map(({ name }) => name)).toEqual(["exception"]);
  await recording.stop();
});
