import { DynamicStructuredTool, DynamicTool, StructuredTool, tool } from "@langchain/core/tools";
import { FakeTool } from "@langchain/core/utils/testing";
import { trace } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";
import { query } from "./database.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let handler: TraceCallbackHandler;
beforeEach(() => {
  recording = startRecording();
  handler = new TraceCallbackHandler();
});
afterEach(() => recording.stop());

const DESCRIBED = { name: "work", description: "Works" };
const ZOD = z.object({ city: z.string() });
const JSON_SCHEMA = { type: "object", properties: { city: { type: "string" } } } as const;

class ClassTool extends StructuredTool {
  override name = DESCRIBED.name;
  override description = DESCRIBED.description;
  override schema = ZOD;
  protected override _call(): Promise<string> {
    return query();
  }
}

const TOOLS = {
  "a tool with a zod schema": () => tool(query, { ...DESCRIBED, schema: ZOD }),
  "a tool with a JSON schema": () => tool(query, { ...DESCRIBED, schema: JSON_SCHEMA }),
  "a tool that takes a string": () => new DynamicTool({ ...DESCRIBED, func: query }),
  "a DynamicStructuredTool": () =>
    new DynamicStructuredTool({ ...DESCRIBED, schema: ZOD, func: query }),
  "a DynamicStructuredTool with a JSON schema": () =>
    new DynamicStructuredTool({ ...DESCRIBED, schema: JSON_SCHEMA, func: query }),
  "a tool that is a class": () => new ClassTool(),
} as const;
type ToolKind = keyof typeof TOOLS;
const TOOL_KINDS = Object.keys(TOOLS) as ToolKind[];

async function call(kind: ToolKind): Promise<unknown> {
  const called: { invoke: (input: never, config: object) => Promise<unknown> } = TOOLS[kind]();
  const input = kind === "a tool that takes a string" ? "Lisbon" : { city: "Lisbon" };
  return called.invoke(input as never, { callbacks: [handler], runName: "work" });
}

const TOOL_TREE = `
execute_tool work
  SELECT before
  SELECT after
`;

describe.each(TOOL_KINDS)("%s", (kind) => {
  it("runs with its span active", async () => {
    expect(await call(kind)).toBe("found");

    expect(spanTree(recording.spans())).toBe(TOOL_TREE);
  });

  it("leaves the caller's own span active, in the same tick and afterwards", async () => {
    await withSpan("caller", async ({ span }) => {
      const called = call(kind);
      expect(trace.getActiveSpan()).toBe(span);
      await called;
      expect(trace.getActiveSpan()).toBe(span);
      withSpan("its next step", () => {});
    });

    expect(trace.getActiveSpan()).toBeUndefined();
    expect(spanTree(recording.spans())).toBe(`
caller
  execute_tool work
    SELECT before
    SELECT after
  its next step
`);
  });

  it("makes a trace of each call that has no caller", async () => {
    for (let count = 0; count < 5; count += 1) await call(kind);

    const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
    expect(Array.from(traces.values(), (spans) => spanTree(spans))).toEqual(
      Array.from({ length: 5 }, () => TOOL_TREE),
    );
  });

  it("keeps calls at the same time apart", async () => {
    await Promise.all(Array.from({ length: 20 }, () => withSpan("caller", () => call(kind))));

    const traces = Map.groupBy(recording.spans(), (span) => span.spanContext().traceId);
    expect(Array.from(traces.values(), (spans) => spanTree(spans))).toEqual(
      Array.from({ length: 20 }, () => `\ncaller${TOOL_TREE.replaceAll("\n", "\n  ").trimEnd()}\n`),
    );
  });
});

it("keeps its tools apart that an agent calls at the same time", async () => {
  const names = Array.from({ length: 6 }, (_, index) => `tool_${index}`);
  const scripted = await startOpenAI(callsTools(names, { input: { city: "Lisbon", input: "" } }));
  // In the order in which LangChain starts them: those that parse nothing come first.
  const tools = [
    tool(query, { name: "tool_0", schema: JSON_SCHEMA }),
    new DynamicStructuredTool({ ...DESCRIBED, name: "tool_1", schema: JSON_SCHEMA, func: query }),
    tool(query, { name: "tool_2", schema: ZOD }),
    new DynamicStructuredTool({ ...DESCRIBED, name: "tool_3", schema: ZOD, func: query }),
    Object.assign(new ClassTool(), { name: "tool_4" }),
    new DynamicTool({ ...DESCRIBED, name: "tool_5", func: query }),
  ];
  const agent = createAgent({ name: "busy", model: scripted.model(), tools });

  await agent.invoke({ messages: "Go" }, { callbacks: [handler] });
  await scripted.server.close();
  const work = names.map(
    (name) => `
  execute_tool ${name}
    SELECT before
    SELECT after`,
  );
  expect(spanTree(recording.spans())).toBe(`
invoke_agent busy
  chat gpt-5${work.join("")}
  chat gpt-5
`);
});

it("a tool that is a class is called by the name in its answer", async () => {
  const fake = new FakeTool({ name: "look_up", description: "", schema: z.object({}) });

  await fake.invoke(
    { type: "tool_call", id: "call_7", name: "look_up", args: {} },
    { callbacks: [handler] },
  );
  expect(spanTree(recording.spans())).toBe("\nexecute_tool look_up\n");
  const span = spanNamed(recording.spans(), "execute_tool look_up");
  expect(span.attributes).toMatchObject({
    "gen_ai.tool.name": "look_up",
    "gen_ai.tool.call.id": "call_7",
  });
});
