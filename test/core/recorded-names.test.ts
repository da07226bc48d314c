import {
  configureWaybill,
  startSpan,
  traceAgentRun,
  traced,
  traceDecision,
  traceEmbeddings,
  traceLlmCall,
  traceMemoryOperation,
  tracePlan,
  traceRetrieval,
  traceToolCall,
  traceWorkflow,
  withIdentity,
  withSpan,
} from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

/** Each operation with a name in it: what it does, the attribute of the name, and how it is called. */
const NAMED = [
  ["execute_tool", "gen_ai.tool.name", (tool: string) => traceToolCall({ tool }, () => {})],
  [
    "invoke_agent",
    "gen_ai.agent.name",
    (name: string) => traceAgentRun({ agent: { name } }, () => {}),
  ],
  ["plan", "gen_ai.agent.name", (agent: string) => tracePlan({ agent }, () => {})],
  [
    "invoke_workflow",
    "gen_ai.workflow.name",
    (workflow: string) => traceWorkflow({ workflow }, () => {}),
  ],
  [
    "retrieval",
    "gen_ai.data_source.id",
    (dataSource: string) => traceRetrieval({ dataSource }, () => {}),
  ],
  [
    "chat",
    "gen_ai.request.model",
    (model: string) => traceLlmCall({ provider: "p", model }, () => {}),
  ],
  [
    "embeddings",
    "gen_ai.request.model",
    (model: string) => traceEmbeddings({ provider: "p", model }, () => {}),
  ],
  ["decision", "waybill.decision.type", (type: string) => traceDecision({ type }, () => {})],
] as const;

describe.each(NAMED)("the name in `%s …`", (operation, attribute, run) => {
  function recorded(name: string): string {
    run(name);
    const [span] = recording.spans();
    expect(span?.name).toBe(`${operation} ${String(span?.attributes[attribute])}`);
    return String(span?.attributes[attribute]);
  }

  it("is bounded", () => {
    expect(recorded("n".repeat(100_000))).toBe("n".repeat(128));
  });

  it("is redacted before it is cut, and has no control characters", () => {
    const name = `${"n".repeat(115)} a\u0007da@exam\nple.com, 4111 1111 1111 1111`;
    expect(recorded(name)).toBe(`${"n".repeat(115)} [email], [ca`);
  });

  it("does not bother the `redact` function: the span may not be recorded", () => {
    const redact = vi.fn((text: string) => text);
    configureWaybill({ redact });

    expect(recorded("ask_Ada")).toBe("ask_Ada");
    expect(redact).not.toHaveBeenCalled();
  });

  it.each([[undefined], [null], [{}], [""]])("may be %j", (name) => {
    run(name as unknown as string);

    expect(recording.spans()[0]?.name).toBe(operation);
  });
});

describe("what else an operation is given", () => {
  it("is bounded: ids, descriptions, kinds, and the names of spans", () => {
    const long = "x".repeat(5000);
    const id = "x".repeat(256);
    const name = "x".repeat(128);
    traceToolCall({ tool: "t", callId: long, description: long }, () => {});
    traceAgentRun({ description: long, type: long }, (span) =>
      span.recordResult({ stopReason: long }),
    );
    traceMemoryOperation(
      { operation: "search_memory", storeId: long, recordId: long, type: long },
      () => {},
    );
    traceLlmCall({ provider: "p" }, (span) => span.recordResponse({ id: long, model: long }));
    withSpan(long, () => {});
    startSpan(long).end();
    traced(long)(() => {})();

    const spans = recording.spans();
    expect(spans[0]?.attributes).toMatchObject({
      "gen_ai.tool.call.id": id,
      "gen_ai.tool.description": "x".repeat(1024),
    });
    expect(spans[1]?.attributes).toMatchObject({
      "gen_ai.agent.description": "x".repeat(1024),
      "waybill.agent.type": name,
      "waybill.agent.stop_reason": name,
    });
    expect(spans[2]?.attributes).toMatchObject({
      "gen_ai.memory.store.id": id,
      "gen_ai.memory.record.id": id,
      "waybill.memory.type": name,
    });
    expect(spans[3]?.attributes).toMatchObject({
      "gen_ai.response.id": id,
      "gen_ai.response.model": name,
    });
    expect(spans.slice(4).map((span) => span.name)).toEqual([name, name, name]);
  });

  it("redacts an agent's name wherever it stands", () => {
    withIdentity({ agent: { name: "bot of ada@example.com" } }, () =>
      traceToolCall({ tool: "look_up" }, () => {}),
    );

    expect(recording.spans()[0]?.attributes["gen_ai.agent.name"]).toBe("bot of [email]");
  });
});

const JWT = `eyJ${"aB3".repeat(30)}.${"aB3".repeat(30)}.${"aB3".repeat(10)}`;

describe("without content, nothing private is recorded", () => {
  it("in the names of a tool's arguments, which are redacted before they are cut", () => {
    const address = `${"very.".repeat(11)}long@example.com`;
    traceToolCall({ tool: "look_up", arguments: { [JWT]: 1, [address]: 2 } }, () => {});

    expect(recording.spans()[0]?.attributes["waybill.tool.input_keys"]).toEqual([
      "[api key]",
      "[email]",
    ]);
  });

  it("in what was chosen", () => {
    traceDecision({ type: "route" }, (span) =>
      span.recordDecision({ chosen: `mail ada@example.com ${"x".repeat(250)} ${JWT}` }),
    );

    expect(recording.spans()[0]?.attributes["waybill.decision.chosen"]).toBe(
      `mail [email] ${"x".repeat(243)}`,
    );
  });

  it("that the `redact` function would take out", async () => {
    configureWaybill({ redact: (text) => text.replaceAll("Ada", "***") });
    const error = Object.assign(new Error("a"), { code: "no_Ada" });

    traceToolCall({ tool: "look_up", arguments: { "of Ada": 1 } }, () => {});
    traceDecision({ type: "route" }, (span) => span.recordDecision({ chosen: "ask Ada" }));
    await expect(withSpan("work", () => Promise.reject(error))).rejects.toBe(error);

    const [tool, decision, failed] = recording.spans();
    expect(tool?.attributes["waybill.tool.input_keys"]).toEqual(["of ***"]);
    expect(decision?.attributes["waybill.decision.chosen"]).toBe("ask ***");
    expect(failed?.attributes["error.type"]).toBe("_OTHER");
  });

  it("in the end of a name that is too long to be seen whole", () => {
    traceToolCall({ tool: `${JWT} ${"a".repeat(4000)}${JWT}` }, () => {});

    const name = recording.spans()[0]?.name ?? "";
    expect(name).toMatch(/^execute_tool \[api key\] a+$/);
  });

  it.each([
    ["a code", Object.assign(new Error("a"), { code: "4111111111111111" })],
    ["a name", Object.assign(new Error("a"), { name: "NoSuchUser ada@example.com" })],
    [
      "a class",
      new (class extends Error {
        static override readonly name = "Key sk-aB3aB3aB3aB3aB3aB3aB3";
      })(),
    ],
    ["a name without end", Object.assign(new Error("a"), { name: "x".repeat(129) })],
  ])("in an error's type, be it %s", (_title, error) => {
    expect(() =>
      withSpan("work", () => {
        throw error;
      }),
    ).toThrow(error);

    const [span] = recording.spans();
    expect(span?.attributes["error.type"]).toBe("_OTHER");
    expect(JSON.stringify(span?.events)).not.toMatch(/4111|ada@|sk-aB3/);
  });
});
