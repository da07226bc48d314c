import { afterEach, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type {
  ModelReply,
  ModelServer,
  ModelTurn,
} from "../../examples/model-server/model-server.ts";
import { post } from "./post.ts";

const ARGUMENTS = '{"orderId":"A-1001"}';

let server: ModelServer;
afterEach(() => server.close());

describe("a script of the model server", () => {
  async function turnsOf(
    requests: readonly (readonly [path: string, body: object])[],
    reply: ModelReply = { type: "text", text: "It is on its way." },
  ): Promise<readonly ModelTurn[]> {
    const turns: ModelTurn[] = [];
    server = await startModelServer({
      script(turn) {
        turns.push(turn);
        return reply;
      },
    });
    for (const [path, body] of requests) {
      const response = await post(server.baseUrl + path, { model: "gpt-5", ...body });
      expect(response.status, await response.text()).toBe(200);
    }
    return turns;
  }

  it("sees the same conversation in both protocols", async () => {
    const chat = {
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "system", content: [{ type: "text", text: "Be kind." }] },
        { role: "user", content: "Hello" },
        { role: "assistant", content: "Hello!" },
        {
          role: "user",
          content: [
            { type: "text", text: "Where is " },
            { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
            { type: "text", text: "A-1001?" },
          ],
        },
        {
          role: "assistant",
          content: "Let me see.",
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "look_up", arguments: ARGUMENTS } },
            { id: "call_2", type: "function", function: { name: "find_policy", arguments: "{}" } },
          ],
        },
        { role: "tool", tool_call_id: "call_1", content: "shipped" },
        { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "none" }] },
      ],
      tools: [
        { type: "function", function: { name: "look_up" } },
        { type: "function", function: { name: "find_policy" } },
      ],
    };
    const responses = {
      instructions: "Be brief.",
      input: [
        { role: "developer", content: [{ type: "input_text", text: "Be kind." }] },
        { type: "message", role: "user", content: "Hello" },
        { role: "assistant", content: [{ type: "output_text", text: "Hello!" }] },
        {
          role: "user",
          content: [
            { type: "input_text", text: "Where is " },
            { type: "input_image", image_url: "data:image/png;base64,AA==" },
            { type: "input_text", text: "A-1001?" },
          ],
        },
        { type: "reasoning", id: "rs_1", summary: [] },
        { role: "assistant", content: "Let me see." },
        { type: "function_call", call_id: "call_1", name: "look_up", arguments: ARGUMENTS },
        { type: "function_call", call_id: "call_2", name: "find_policy", arguments: "{}" },
        { type: "function_call_output", call_id: "call_1", output: "shipped" },
        {
          type: "function_call_output",
          call_id: "call_2",
          output: [{ type: "input_text", text: "none" }],
        },
      ],
      tools: [
        { type: "function", name: "look_up" },
        { type: "function", name: "find_policy" },
      ],
    };

    const [ofChat, ofResponses] = await turnsOf([
      ["/chat/completions", chat],
      ["/responses", responses],
    ]);

    expect(ofResponses).toEqual(ofChat);
    expect(ofChat).toEqual({
      model: "gpt-5",
      stream: false,
      system: "Be brief.\n\nBe kind.",
      tools: ["look_up", "find_policy"],
      lastUserText: "Where is A-1001?",
      toolResultsSinceUser: 2,
      messages: [
        { role: "system", text: "Be brief." },
        { role: "system", text: "Be kind." },
        { role: "user", text: "Hello" },
        { role: "assistant", text: "Hello!" },
        { role: "user", text: "Where is A-1001?" },
        {
          role: "assistant",
          text: "Let me see.",
          toolCalls: [
            { id: "call_1", name: "look_up", arguments: ARGUMENTS },
            { id: "call_2", name: "find_policy", arguments: "{}" },
          ],
        },
        { role: "tool", text: "shipped", toolCallId: "call_1" },
        { role: "tool", text: "none", toolCallId: "call_2" },
      ],
    });
  });

  it("sees a text as the whole input, and a tool of the provider by its type", async () => {
    const [turn] = await turnsOf([
      ["/responses", { input: "Hello", tools: [{ type: "web_search" }] }],
    ]);

    expect(turn).toMatchObject({
      messages: [{ role: "user", text: "Hello" }],
      tools: ["web_search"],
      system: "",
      lastUserText: "Hello",
      toolResultsSinceUser: 0,
    });
  });

  it("counts the tool results of the last user message only", async () => {
    const [turn] = await turnsOf([
      [
        "/chat/completions",
        {
          messages: [
            { role: "user", content: "One" },
            { role: "tool", tool_call_id: "call_1", content: "1" },
            { role: "user", content: "Two" },
          ],
        },
      ],
    ]);

    expect(turn).toMatchObject({ lastUserText: "Two", toolResultsSinceUser: 0 });
  });

  it("sees the server's own items where a request only refers to them", async () => {
    const reference = (id: string) => ({ type: "item_reference", id });

    const [, turn] = await turnsOf(
      [
        ["/responses", { input: "Hello" }],
        ["/responses", { input: [reference("msg_1"), reference("fc_1"), reference("fc_2")] }],
      ],
      {
        type: "tool-calls",
        text: "Let me see.",
        calls: [
          { name: "look_up", arguments: { orderId: "A-1001" } },
          { name: "find_policy", arguments: {} },
        ],
      },
    );

    expect(turn?.messages).toEqual([
      {
        role: "assistant",
        text: "Let me see.",
        toolCalls: [
          { id: "call_1", name: "look_up", arguments: ARGUMENTS },
          { id: "call_2", name: "find_policy", arguments: "{}" },
        ],
      },
    ]);
  });
});
