import { createHash } from "node:crypto";

import { Document } from "@langchain/core/documents";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage, MessageContent } from "@langchain/core/messages";
import { FakeListChatModel, FakeLLM, FakeRetriever } from "@langchain/core/utils/testing";
import { Command } from "@langchain/langgraph";
import { configureWaybill } from "@waybill/core";
import type { CaptureContent } from "@waybill/core";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { callsTools, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  await recording.stop();
  configureWaybill({ captureContent: false, history: "new" });
});

const CONTENT_KEY = /messages|system_instructions|arguments|result|query|documents/;

/** The content on the spans, by the span's name and the attribute's; what is JSON is parsed. */
function contents(): Record<string, unknown>[] {
  return recording.spans().map(({ name, attributes }) => ({
    name,
    ...Object.fromEntries(
      Object.entries(attributes)
        .filter(([key]) => CONTENT_KEY.test(key))
        .map(([key, value]) => [key, key.endsWith("text") ? value : JSON.parse(String(value))]),
    ),
  }));
}

describe.each([
  ["invoke", {}],
  ["stream", {}],
  ["invoke", { useResponsesApi: true }],
  ["stream", { useResponsesApi: true }],
] as const)("the content of an agent's %s, on a model with %j", (way, fields) => {
  let scripted: ScriptedOpenAI;
  beforeEach(async () => {
    scripted = await startOpenAI(
      callsTools(["look_up"], { input: { order: "A-1" }, answer: "It is on its way." }),
    );
  });
  afterEach(() => scripted.server.close());

  async function askAboutOrder(captureContent?: CaptureContent): Promise<void> {
    const lookUp = tool(async ({ order }) => ({ order, state: "sent" }), {
      name: "look_up",
      description: "Looks up an order",
      schema: z.object({ order: z.string() }),
    });
    const agent = createAgent({
      name: "desk",
      model: scripted.model(fields),
      systemPrompt: "You help.",
      tools: [lookUp],
    });
    const handler = new TraceCallbackHandler(
      captureContent === undefined ? {} : { captureContent },
    );
    const config = { callbacks: [handler], streamMode: "messages" as const };
    const input = { messages: [new HumanMessage("Where is A-1?")] };

    if (way === "invoke") await agent.invoke(input, config);
    else await Array.fromAsync<unknown>(await agent.stream(input, config));
  }

  const SYSTEM = [{ type: "text", content: "You help." }];
  const ASKED = { role: "user", parts: [{ type: "text", content: "Where is A-1?" }] };
  const CALLED = {
    role: "assistant",
    parts: [{ type: "tool_call", id: "call_1", name: "look_up", arguments: { order: "A-1" } }],
  };
  const FOUND = {
    role: "tool",
    parts: [
      { type: "tool_call_response", id: "call_1", response: '{"order":"A-1","state":"sent"}' },
    ],
  };
  const ANSWERED = {
    role: "assistant",
    parts: [{ type: "text", content: "It is on its way." }],
    finish_reason: "stop",
  };

  it("is not recorded by default, in no attribute and no event", async () => {
    await askAboutOrder();

    expect(contents()).toEqual(recording.spans().map(({ name }) => ({ name })));
    const everything = recording.spans().map(({ attributes, events }) => [attributes, events]);
    expect(JSON.stringify(everything)).not.toMatch(/A-1|You help|on its way|sent/);
    expect(recording.spans()).toHaveLength(4);
  });

  it("is recorded in the GenAI message schema when asked for, without the graph's state", async () => {
    await askAboutOrder(true);

    expect(contents()).toEqual([
      { name: "invoke_agent desk" },
      {
        name: "chat gpt-5",
        "gen_ai.system_instructions": SYSTEM,
        "gen_ai.input.messages": [ASKED],
        "gen_ai.output.messages": [{ ...CALLED, finish_reason: "tool_call" }],
      },
      {
        name: "execute_tool look_up",
        "gen_ai.tool.call.arguments": { order: "A-1" },
        "gen_ai.tool.call.result": { result: '{"order":"A-1","state":"sent"}' },
      },
      {
        name: "chat gpt-5",
        "gen_ai.input.messages": [{ ...CALLED, name: "desk" }, FOUND],
        "gen_ai.output.messages": [ANSWERED],
      },
    ]);
    const first = recording
      .spans()
      .map(({ attributes }) => attributes["waybill.content.first_message"]);
    expect(first).toEqual([undefined, undefined, undefined, 1]);
  });

  it("has the whole conversation at each step when the process asks for it", async () => {
    configureWaybill({ history: "full" });

    await askAboutOrder(true);
    expect(contents().at(-1)).toEqual({
      name: "chat gpt-5",
      "gen_ai.system_instructions": SYSTEM,
      "gen_ai.input.messages": [ASKED, { ...CALLED, name: "desk" }, FOUND],
      "gen_ai.output.messages": [ANSWERED],
    });
  });

  it.each([
    ["input", ["gen_ai.input.messages"]],
    ["output", ["gen_ai.output.messages"]],
    ["system", ["gen_ai.system_instructions"]],
    ["toolArguments", ["gen_ai.tool.call.arguments"]],
    ["toolResults", ["gen_ai.tool.call.result"]],
  ])("is recorded kind by kind: %s", async (kind, keys) => {
    await askAboutOrder({ [kind]: true });

    const recorded = contents().flatMap((content) => Object.keys(content));
    expect(new Set(recorded)).toEqual(new Set(["name", ...keys]));
  });

  it("is recorded by the process's setting, over which the handler's own comes", async () => {
    configureWaybill({ captureContent: { output: true } });

    await askAboutOrder();
    await askAboutOrder(false);
    const recorded = contents().map((content) => Object.keys(content).length > 1);
    expect(recorded).toEqual([false, true, false, true, false, false, false, false]);
  });
});

describe("the content of a retriever", () => {
  async function ask(captureContent: CaptureContent): Promise<void> {
    const output = [
      new Document({ id: "d-1", pageContent: "A pen", metadata: { score: 0.5, page: 3 } }),
      new Document({ pageContent: "A gift card" }),
    ];
    await new FakeRetriever({ output }).invoke("Which orders?", {
      callbacks: [new TraceCallbackHandler({ captureContent })],
      runName: "orders",
    });
  }

  it("is its query and its documents", async () => {
    await ask(true);

    expect(contents()).toEqual([
      {
        name: "retrieval orders",
        "gen_ai.retrieval.query.text": "Which orders?",
        "gen_ai.retrieval.documents": [
          { id: "d-1", score: 0.5, content: "A pen", metadata: { score: 0.5, page: 3 } },
          { content: "A gift card", metadata: {} },
        ],
      },
    ]);
  });

  it("is not recorded unless asked for", async () => {
    await ask(false);

    expect(contents()).toEqual([{ name: "retrieval orders" }]);
  });
});

it("has the prompt and the answer of a completion model in the same schema", async () => {
  const callbacks = [new TraceCallbackHandler({ captureContent: true })];

  await new FakeLLM({ response: "Hello." }).invoke("Hi", { callbacks });
  expect(contents()).toEqual([
    {
      name: "text_completion",
      "gen_ai.input.messages": [{ role: "user", parts: [{ type: "text", content: "Hi" }] }],
      "gen_ai.output.messages": [
        {
          role: "assistant",
          parts: [{ type: "text", content: "Hello." }],
          finish_reason: "other",
        },
      ],
    },
  ]);
});

async function recordedInput(messages: readonly BaseMessage[]) {
  const model = new FakeListChatModel({ responses: ["Hi."] });
  await model.invoke([...messages], {
    callbacks: [new TraceCallbackHandler({ captureContent: true })],
  });
  return contents()[0] ?? {};
}

describe("messages", () => {
  it("of the system that come later stay where they are", async () => {
    const input = await recordedInput([
      new SystemMessage("Be brief."),
      new SystemMessage("Be kind."),
      new HumanMessage({ content: "Hi", name: "ada" }),
      new SystemMessage("Now be long."),
    ]);

    expect(input).toMatchObject({
      "gen_ai.system_instructions": [
        { type: "text", content: "Be brief." },
        { type: "text", content: "Be kind." },
      ],
      "gen_ai.input.messages": [
        { role: "user", name: "ada", parts: [{ type: "text", content: "Hi" }] },
        { role: "system", parts: [{ type: "text", content: "Now be long." }] },
      ],
    });
  });

  it("have their reasoning and their tool calls as parts, once each", async () => {
    const input = await recordedInput([
      new AIMessage({
        content: [
          { type: "thinking", thinking: "Let me see.", signature: "c2lnbmVk" },
          { type: "text", text: "One moment." },
          { type: "tool_use", id: "call_1", name: "look_up", input: { order: "A-1" } },
        ],
        tool_calls: [{ type: "tool_call", id: "call_1", name: "look_up", args: { order: "A-1" } }],
        invalid_tool_calls: [{ id: "call_2", name: "refund", args: "{broken", error: "no JSON" }],
      }),
      new AIMessage({ content: "", additional_kwargs: { reasoning_content: "Hm." } }),
      new ToolMessage({ content: [{ type: "text", text: "sent" }], tool_call_id: "call_1" }),
    ]);

    expect(input["gen_ai.input.messages"]).toEqual([
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "Let me see." },
          { type: "text", content: "One moment." },
          { type: "tool_call", id: "call_1", name: "look_up", arguments: { order: "A-1" } },
          { type: "tool_call", id: "call_2", name: "refund", arguments: "{broken" },
        ],
      },
      { role: "assistant", parts: [{ type: "reasoning", content: "Hm." }] },
      {
        role: "tool",
        parts: [
          {
            type: "tool_call_response",
            id: "call_1",
            response: [{ type: "text", content: "sent" }],
          },
        ],
      },
    ]);
  });

  const bytes = Buffer.from("an image of some thirty-two bytes");
  const base64 = bytes.toString("base64");
  const IMAGE = {
    type: "media",
    modality: "image",
    mime_type: "image/png",
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };

  it.each<[string, MessageContent, object]>([
    [
      "a data URL, as OpenAI has it",
      [{ type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }],
      IMAGE,
    ],
    [
      "a source, as Anthropic has it",
      [{ type: "image", source: { type: "base64", media_type: "image/png", data: base64 } }],
      IMAGE,
    ],
    ["a standard content block", [{ type: "image", mimeType: "image/png", data: base64 }], IMAGE],
    ["bytes", [{ type: "image", mimeType: "image/png", data: new Uint8Array(bytes) }], IMAGE],
    [
      "an address",
      [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }],
      { type: "uri", modality: "image", uri: "https://example.com/a.png" },
    ],
    [
      "a stored file",
      [{ type: "file", fileId: "file-1", mimeType: "application/pdf" }],
      { type: "file", modality: "document", mime_type: "application/pdf", file_id: "file-1" },
    ],
  ])("tell media by type, size and hash and never hold it: %s", async (_form, content, part) => {
    const input = await recordedInput([new HumanMessage({ content })]);

    expect(input["gen_ai.input.messages"]).toEqual([{ role: "user", parts: [part] }]);
    expect(JSON.stringify(recording.spans()[0]?.attributes)).not.toContain(base64.slice(0, 16));
  });
});

describe("a tool's side", () => {
  async function use(result: unknown, input: object = {}): Promise<Record<string, unknown>> {
    const work = tool(() => result, {
      name: "work",
      description: "Works",
      schema: { type: "object" } as const,
    });
    await work.invoke(input, { callbacks: [new TraceCallbackHandler({ captureContent: true })] });
    expect(spanTree(recording.spans())).toBe("\nexecute_tool work\n");
    return contents()[0] ?? {};
  }

  it("is an object, also where its result is none", async () => {
    expect(await use(42, { order: "A-1" })).toEqual({
      name: "execute_tool work",
      "gen_ai.tool.call.arguments": { order: "A-1" },
      "gen_ai.tool.call.result": { result: 42 },
    });
  });

  it("is no command, which changes a graph's state", async () => {
    const result = new Command({ update: { secret: "state" } });

    expect(await use(result)).toEqual({
      name: "execute_tool work",
      "gen_ai.tool.call.arguments": {},
    });
  });

  it("is recorded as far as it can be written", async () => {
    const circular: Record<string, unknown> = { count: 1n };
    circular["itself"] = circular;

    expect((await use(circular))["gen_ai.tool.call.result"]).toEqual({
      count: "1",
      itself: "[circular]",
    });
  });
});
