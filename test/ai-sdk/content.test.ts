import { createHash } from "node:crypto";

import { traceAI } from "@waybill/ai-sdk";
import type { TraceAIOptions } from "@waybill/ai-sdk";
import { configureWaybill } from "@waybill/core";
import * as ai from "ai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { streamingModel } from "./mock-model.ts";
import { inTurn, startOpenAI } from "./scripted-openai.ts";
import type { ScriptedOpenAI } from "./scripted-openai.ts";

let recording: Recording;
let scripted: ScriptedOpenAI;
beforeEach(async () => {
  recording = startRecording();
  scripted = await startOpenAI(
    inTurn(
      { type: "tool-calls", calls: [{ name: "look_up", arguments: { order: "A-1" } }] },
      { type: "text", text: "It is on its way." },
    ),
  );
});
afterEach(async () => {
  await recording.stop();
  await scripted.server.close();
  configureWaybill({ captureContent: false, history: "new" });
});

async function askAboutOrder(
  options: TraceAIOptions,
  call: "generateText" | "streamText",
  telemetry: ai.TelemetryOptions = {},
): Promise<void> {
  const traced = traceAI(ai, options);
  const given = {
    model: scripted.openai("gpt-5"),
    telemetry,
    instructions: "You help.",
    prompt: "Where is A-1?",
    tools: {
      look_up: ai.tool({
        inputSchema: z.object({ order: z.string() }),
        execute: async ({ order }) => ({ order, state: "sent" }),
      }),
    },
    stopWhen: ai.isStepCount(2),
  };
  if (call === "streamText") await traced.streamText(given).consumeStream();
  else await traced.generateText(given);
  await recording.idle();
}

/** The content on the spans, parsed, by the span's name and the attribute's. */
function contents(): Record<string, unknown>[] {
  return recording.spans().map(({ name, attributes }) => ({
    name,
    ...Object.fromEntries(
      Object.entries(attributes)
        .filter(([key]) => /messages|system_instructions|arguments|result$/.test(key))
        .map(([key, value]) => [key, JSON.parse(String(value))]),
    ),
  }));
}

const ASKED = { role: "user", parts: [{ type: "text", content: "Where is A-1?" }] };
const CALLED = {
  role: "assistant",
  parts: [{ type: "tool_call", id: "call_1", name: "look_up", arguments: { order: "A-1" } }],
};
const FOUND = {
  role: "tool",
  parts: [{ type: "tool_call_response", id: "call_1", response: { order: "A-1", state: "sent" } }],
};
const SYSTEM = [{ type: "text", content: "You help." }];
const ANSWERED = [
  {
    role: "assistant",
    parts: [{ type: "text", content: "It is on its way." }],
    finish_reason: "stop",
  },
];

describe.each(["generateText", "streamText"] as const)("the content of %s", (call) => {
  it("is not recorded by default", async () => {
    await askAboutOrder({}, call);

    expect(contents()).toEqual(recording.spans().map(({ name }) => ({ name })));
    expect(JSON.stringify(recording.spans().map(({ attributes }) => attributes))).not.toMatch(
      /A-1|You help|on its way|sent/,
    );
  });

  it("is recorded in the GenAI message schema when asked for", async () => {
    await askAboutOrder({ captureContent: true }, call);

    expect(contents()).toEqual([
      { name: "invoke_agent" },
      {
        name: "chat gpt-5",
        "gen_ai.system_instructions": SYSTEM,
        "gen_ai.input.messages": [ASKED],
        "gen_ai.output.messages": [{ ...CALLED, finish_reason: "tool_call" }],
      },
      {
        name: "execute_tool look_up",
        "gen_ai.tool.call.arguments": { order: "A-1" },
        "gen_ai.tool.call.result": { order: "A-1", state: "sent" },
      },
      {
        name: "chat gpt-5",
        "gen_ai.input.messages": [CALLED, FOUND],
        "gen_ai.output.messages": ANSWERED,
      },
    ]);
  });

  it("is recorded whole in each step when the process asks for that", async () => {
    configureWaybill({ captureContent: true, history: "full" });

    await askAboutOrder({}, call);
    const steps = contents().filter(({ name }) => name === "chat gpt-5");
    expect(steps).toEqual([
      expect.objectContaining({
        "gen_ai.system_instructions": SYSTEM,
        "gen_ai.input.messages": [ASKED],
      }),
      expect.objectContaining({
        "gen_ai.system_instructions": SYSTEM,
        "gen_ai.input.messages": [ASKED, CALLED, FOUND],
      }),
    ]);
  });

  it("is known again in the next step, whatever marks for the provider's cache it carries", async () => {
    const traced = traceAI(ai, { captureContent: true });
    const given = {
      model: scripted.openai("gpt-5"),
      prompt: "Where is A-1?",
      tools: { look_up: ai.tool({ inputSchema: z.object({}), execute: async () => "sent" }) },
      stopWhen: ai.isStepCount(2),
      prepareStep: ({ messages }: { messages: ai.ModelMessage[] }) => ({
        messages: messages.with(messages.length - 1, {
          ...(messages.at(-1) as ai.ModelMessage),
          providerOptions: { anthropic: { cacheControl: { type: "ephemeral" } } },
        }),
      }),
    };
    if (call === "streamText") await traced.streamText(given).consumeStream();
    else await traced.generateText(given);
    await recording.idle();

    const chats = recording.spans().filter(({ name }) => name === "chat gpt-5");
    const firsts = chats.map(({ attributes }) => attributes["waybill.content.first_message"]);
    expect(firsts).toEqual([undefined, 1]);
  });

  it("is recorded kind by kind, also by the process's setting", async () => {
    configureWaybill({ captureContent: { output: true } });

    await askAboutOrder({}, call);
    const keys = contents().flatMap((content) => Object.keys(content));
    expect(new Set(keys)).toEqual(new Set(["name", "gen_ai.output.messages"]));
  });

  it("is left out where the call's own telemetry options say so", async () => {
    await askAboutOrder({ captureContent: true }, call, {
      recordInputs: false,
      recordOutputs: false,
    });

    expect(contents()).toEqual(recording.spans().map(({ name }) => ({ name })));
  });
});

describe("media", () => {
  const bytes = createHash("sha256").update("an image").digest();
  const sha256 = createHash("sha256").update(bytes).digest("hex");

  it("is told by its type, size and hash, and never recorded", async () => {
    const { generateText } = traceAI(ai, { captureContent: true });
    await generateText({
      model: scripted.openai("gpt-5"),
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "file", data: bytes, mediaType: "image/png" },
            { type: "file", data: bytes.toString("base64"), mediaType: "application/pdf" },
            {
              type: "file",
              data: `data:image/gif;base64,${bytes.toString("base64")}`,
              mediaType: "image/gif",
            },
            {
              type: "file",
              data: new URL("https://example.com/a.jpg?signature=secret"),
              mediaType: "image/jpeg",
            },
          ],
        },
      ],
    });

    const [chat] = contents().slice(1);
    expect(chat?.["gen_ai.input.messages"]).toEqual([
      {
        role: "user",
        parts: [
          { type: "text", content: "What is it?" },
          { type: "media", modality: "image", mime_type: "image/png", bytes: 32, sha256 },
          { type: "media", modality: "document", mime_type: "application/pdf", bytes: 32, sha256 },
          { type: "media", modality: "image", mime_type: "image/gif", bytes: 32, sha256 },
          {
            type: "uri",
            modality: "image",
            mime_type: "image/jpeg",
            uri: "https://example.com/a.jpg",
          },
        ],
      },
    ]);
    expect(JSON.stringify(contents())).not.toContain(bytes.toString("base64").slice(0, 16));
    expect(JSON.stringify(contents())).not.toContain("signature");
  });

  it("that a model made is told so too, beside its reasoning", async () => {
    const { streamText } = traceAI(ai, { captureContent: true });
    const data = { type: "data" as const, data: bytes.toString("base64") };
    const model = streamingModel(() => [
      { type: "reasoning-start", id: "1" },
      { type: "reasoning-delta", id: "1", delta: "I thi" },
      { type: "text-start", id: "1" },
      { type: "reasoning-delta", id: "1", delta: "nk." },
      { type: "text-delta", id: "1", delta: "Here." },
      { type: "file", mediaType: "image/png", data },
    ]);

    await streamText({ model, prompt: "Draw" }).consumeStream();
    await recording.idle();
    expect(contents()[1]?.["gen_ai.output.messages"]).toEqual([
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "I think." },
          { type: "text", content: "Here." },
          { type: "media", modality: "image", mime_type: "image/png", bytes: 32, sha256 },
        ],
        finish_reason: "other",
      },
    ]);
  });
});
