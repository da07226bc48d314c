import { createRequire } from "node:module";

import { trace } from "@opentelemetry/api";
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
