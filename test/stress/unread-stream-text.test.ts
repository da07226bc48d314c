import { createOpenAI } from "@ai-sdk/openai";
import { traceAI } from "@waybill/ai-sdk";
import { flushOpen } from "@waybill/core";
import * as ai from "ai";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type { ModelServer } from "../../examples/model-server/model-server.ts";
import { collectGarbage } from "../support/collect-garbage.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

const COUNT = 100;

let server: ModelServer;
let recording: Recording;
beforeEach(async () => {
  server = await startModelServer({ script: () => ({ type: "text", text: "never read" }) });
  recording = startRecording();
});
afterEach(async () => {
  await recording.stop();
  await server.close();
});

function callWithoutReading(): object {
  const openai = createOpenAI({ apiKey: "none", baseURL: server.baseUrl });
  return traceAI(ai).streamText({ model: openai("gpt-5"), prompt: "Say hello." });
}

it("ends the spans of streamText calls whose results are never read by flushOpen", () => {
  const results = Array.from({ length: COUNT }, callWithoutReading);
  expect(recording.open()).toBeGreaterThanOrEqual(COUNT);

  flushOpen();

  expect(recording.open()).toBe(0);
  expect(results).toHaveLength(COUNT);
});

it("ends the spans of streamText calls whose results are never read when those are collected", async () => {
  for (let index = 0; index < COUNT; index += 1) callWithoutReading();
  await vi.waitUntil(
    () => {
      collectGarbage();
      return recording.open() === 0;
    },
    { timeout: 60_000, interval: 50 },
  );

  const agents = recording.spans().filter(({ name }) => name === "invoke_agent");
  expect(agents).toHaveLength(COUNT);
  expect(new Set(agents.map(({ attributes }) => attributes["waybill.outcome"]))).toEqual(
    new Set(["abandoned"]),
  );
});
