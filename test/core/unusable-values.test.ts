import { diag, DiagLogLevel } from "@opentelemetry/api";
import {
  configureWaybill,
  traceAgentRun,
  traceDecision,
  traceEmbeddings,
  traceLlmCall,
  traceMemoryOperation,
  traceRetrieval,
  traceToolCall,
  traceWorkflow,
} from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
  configureWaybill({ captureContent: true });
});
afterEach(async () => {
  diag.disable();
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error("hostile");
    },
  },
);

/** What JavaScript may hand to a recorder. */
const UNUSABLE: readonly unknown[] = [
  undefined,
  null,
  0,
  "text",
  true,
  Symbol("s"),
  [],
  {},
  hostile,
  () => {},
  () => null,
  () => hostile,
  ...["usage", "model", "id", "finishReasons", "output", "dimensions", "chosen", "reason"].flatMap(
    (member) => [null, "text", 7, hostile].map((value) => ({ [member]: value })),
  ),
  ...["messages", "system"].flatMap((member) =>
    [null, 7, hostile].map((value) => () => ({ [member]: value })),
  ),
];

/** Every recorder of every operation, given `value` whatever its type. */
const RECORDERS: readonly (readonly [name: string, record: (value: never) => unknown])[] = [
  ["recordInput of a model call", (v) => traceLlmCall({ provider: "p" }, (s) => s.recordInput(v))],
  [
    "recordOutput of a model call",
    (v) => traceLlmCall({ provider: "p" }, (s) => s.recordOutput(v)),
  ],
  [
    "recordResponse of a model call",
    (v) => traceLlmCall({ provider: "p" }, (s) => s.recordResponse(v)),
  ],
  [
    "recordResponse of embeddings",
    (v) => traceEmbeddings({ provider: "p" }, (s) => s.recordResponse(v)),
  ],
  [
    "recordQuery of a memory",
    (v) => traceMemoryOperation({ operation: "search_memory" }, (s) => s.recordQuery(v)),
  ],
  [
    "recordRecords of a memory",
    (v) => traceMemoryOperation({ operation: "search_memory" }, (s) => s.recordRecords(v)),
  ],
  ["recordQuery of a retrieval", (v) => traceRetrieval({}, (s) => s.recordQuery(v))],
  ["recordDocuments of a retrieval", (v) => traceRetrieval({}, (s) => s.recordDocuments(v))],
  ["recordInput of an agent", (v) => traceAgentRun({}, (s) => s.recordInput(v))],
  ["recordOutput of an agent", (v) => traceAgentRun({}, (s) => s.recordOutput(v))],
  ["recordResult of an agent", (v) => traceAgentRun({}, (s) => s.recordResult(v))],
  ["recordInput of a workflow", (v) => traceWorkflow({}, (s) => s.recordInput(v))],
  ["recordOutput of a workflow", (v) => traceWorkflow({}, (s) => s.recordOutput(v))],
  ["recordDecision", (v) => traceDecision({ type: "t" }, (s) => s.recordDecision(v))],
  ["recordArguments of a tool", (v) => traceToolCall({ tool: "t" }, (s) => s.recordArguments(v))],
  ["recordResult of a tool", (v) => traceToolCall({ tool: "t" }, (s) => s.recordResult(v))],
];

describe("of what is partly unusable", () => {
  it("the rest is recorded, and `diag` hears of it", () => {
    const warn = vi.fn();
    diag.setLogger({ warn, error: warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

    traceLlmCall({ provider: "p" }, (span) => {
      span.recordResponse({ usage: null, model: "gpt-5", id: "resp_1" } as never);
      span.recordResponse({
        usage: {
          inputTokens: "12",
          outputTokens: 3,
          cacheReadTokens: -1,
          reasoningTokens: Infinity,
        },
      } as never);
    });
    traceMemoryOperation({ operation: "search_memory" }, (span) =>
      span.recordRecords("text" as never),
    );
    traceDecision({ type: "t" }, (span) =>
      span.recordDecision({ chosen: 7, reason: "so" } as never),
    );

    const [call, memory, decision] = recording.spans().map(({ attributes }) => attributes);
    expect(call).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "p",
      "gen_ai.response.model": "gpt-5",
      "gen_ai.response.id": "resp_1",
      "gen_ai.usage.output_tokens": 3,
    });
    expect(memory).toEqual({ "gen_ai.operation.name": "search_memory" });
    expect(decision).toEqual({ "waybill.decision.type": "t", "waybill.decision.reason": "so" });
    expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining("a count of tokens is no number"),
      expect.stringContaining("memory records are no array"),
      expect.stringContaining("what was chosen is no string"),
    ]);
  });
});

it.each(RECORDERS)("%s throws nothing, whatever it is given", (_title, record) => {
  for (const value of UNUSABLE) expect(record(value as never)).toBeUndefined();

  expect(recording.spans()).toHaveLength(UNUSABLE.length);
  for (const { attributes } of recording.spans()) expect(attributes["error.type"]).toBeUndefined();
});
