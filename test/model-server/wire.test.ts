import { afterEach, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type { ModelReply, ModelServer } from "../../examples/model-server/model-server.ts";
import { post } from "./post.ts";

const CHAT = { model: "gpt-5", messages: [{ role: "user", content: "Where is it?" }] };
const RESPONSES = { model: "gpt-5", input: "Where is it?" };
const USAGE = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 64, reasoningTokens: 8 };
const TEXT: ModelReply = { type: "text", text: "On its way.", usage: USAGE };
const CALLS: ModelReply = {
  type: "tool-calls",
  text: "Hm.",
  calls: [
    { name: "look_up", arguments: { orderId: "A-1001" } },
    { name: "find_policy", arguments: {} },
  ],
};

let server: ModelServer;
afterEach(() => server.close());

/** The events of a stream by name and data, parsed where it is JSON, and whether the connection broke in the middle. */
async function streamed(reply: ModelReply, path: string, body: object) {
  server = await startModelServer({ script: () => reply });
  const response = await post(server.baseUrl + path, { ...body, stream: true });
  const { text, broken } = await read(response);
  const blocks = text.split("\n\n").slice(0, -1);
  const data = blocks.map((block) => block.slice(block.indexOf("data: ") + "data: ".length));
  return {
    response,
    broken,
    names: blocks.map((block) => /^event: (.*)\n/.exec(block)?.[1]),
    events: data.map((json): unknown => (json === "[DONE]" ? json : JSON.parse(json))),
  };
}

async function read(response: Response): Promise<{ text: string; broken: boolean }> {
  let text = "";
  try {
    const chunks = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const chunk of chunks) text += chunk;
    return { text, broken: false };
  } catch {
    return { text, broken: true };
  }
}

describe("chat completions of the model server", () => {
  it("answer whole as OpenAI does", async () => {
    server = await startModelServer({ script: () => CALLS });

    const response = await post(`${server.baseUrl}/chat/completions`, CHAT);

    expect(response.headers.get("x-request-id")).toBe("req_1");
    expect(await response.json()).toEqual({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_790_000_000,
      model: "gpt-5",
      service_tier: "default",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "Hm.",
            refusal: null,
            annotations: [],
            tool_calls: [
              {
                id: "call_1",
                type: "function",
                function: { name: "look_up", arguments: '{"orderId":"A-1001"}' },
              },
              {
                id: "call_2",
                type: "function",
                function: { name: "find_policy", arguments: "{}" },
              },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
      // "Where is it?" are 12 characters, "Hm." and the calls 43.
      usage: {
        prompt_tokens: 3,
        completion_tokens: 11,
        total_tokens: 14,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
    });
  });

  it("stream chunks of one id, then the reason, then [DONE], without usage unless asked", async () => {
    const { response, broken, names, events } = await streamed(TEXT, "/chat/completions", CHAT);

    const chunk = (delta: object, finish_reason: string | null = null) => ({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model: "gpt-5",
      service_tier: "default",
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(broken).toBe(false);
    expect(new Set(names)).toEqual(new Set([undefined]));
    expect(events).toEqual([
      chunk({ role: "assistant", content: "", refusal: null }),
      chunk({ content: "On" }),
      chunk({ content: " its" }),
      chunk({ content: " way." }),
      chunk({}, "stop"),
      "[DONE]",
    ]);
  });

  it("stream usage in a last chunk without choices when asked, and null before", async () => {
    const { events } = await streamed(TEXT, "/chat/completions", {
      ...CHAT,
      stream_options: { include_usage: true },
    });

    const [last, ...before] = events.slice(0, -1).toReversed();
    expect(last).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 100,
        completion_tokens: 20,
        total_tokens: 120,
        prompt_tokens_details: { cached_tokens: 64 },
        completion_tokens_details: { reasoning_tokens: 8 },
      },
    });
    expect(before.map((chunk) => (chunk as { usage: unknown }).usage)).toEqual(
      before.map(() => null),
    );
  });

  it("stream each tool call with its id first, then its arguments by its index", async () => {
    const { events } = await streamed(CALLS, "/chat/completions", CHAT);

    const deltas = events.slice(0, -1).map((chunk) => {
      const { choices } = chunk as { choices: [{ delta: object; finish_reason: string | null }] };
      return choices[0].finish_reason ?? choices[0].delta;
    });
    const begin = (index: number, name: string) => ({
      index,
      id: `call_${index + 1}`,
      type: "function",
      function: { name, arguments: "" },
    });
    expect(deltas).toEqual([
      { role: "assistant", content: "", refusal: null },
      { content: "Hm." },
      { tool_calls: [begin(0, "look_up")] },
      { tool_calls: [{ index: 0, function: { arguments: '{"orderId":"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: 'A-1001"}' } }] },
      { tool_calls: [begin(1, "find_policy")] },
      { tool_calls: [{ index: 1, function: { arguments: "{}" } }] },
      "tool_calls",
    ]);
  });

  it("divide no character of a call's arguments, and stream no empty text", async () => {
    const { events } = await streamed(
      {
        type: "tool-calls",
        text: "",
        calls: [{ name: "look_up", arguments: { q: "12345😀" } }],
      },
      "/chat/completions",
      CHAT,
    );

    const text = JSON.stringify(events);
    expect(text).toContain(JSON.stringify({ arguments: '{"q":"12345😀' }));
    expect(text).toContain(JSON.stringify({ arguments: '"}' }));
    expect(text).not.toContain('{"content":""}');
  });

  it("end a broken stream with the error, and break the connection", async () => {
    const { broken, events } = await streamed(
      { type: "stream-error", text: "On", message: "It broke." },
      "/chat/completions",
      CHAT,
    );

    expect(broken).toBe(true);
    expect(events.at(-1)).toEqual({
      error: { message: "It broke.", type: "server_error", param: null, code: "server_error" },
    });
  });
});

describe("responses of the model server", () => {
  it("answer whole as OpenAI does, and repeat what was asked", async () => {
    server = await startModelServer({ script: () => CALLS });
    const asked = {
      instructions: "Be brief.",
      metadata: { team: "support" },
      temperature: 0.2,
      tools: [{ type: "function", name: "look_up", parameters: { type: "object" } }],
      tool_choice: "required",
    };

    const response = await post(`${server.baseUrl}/responses`, { ...RESPONSES, ...asked });

    expect(await response.json()).toEqual({
      ...asked,
      id: "resp_1",
      object: "response",
      created_at: 1_790_000_000,
      completed_at: 1_790_000_000,
      status: "completed",
      error: null,
      incomplete_details: null,
      model: "gpt-5",
      parallel_tool_calls: true,
      previous_response_id: null,
      service_tier: "default",
      store: true,
      top_p: 1,
      output: [
        {
          type: "message",
          id: "msg_1",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "Hm.", annotations: [], logprobs: [] }],
        },
        {
          type: "function_call",
          id: "fc_1",
          status: "completed",
          call_id: "call_1",
          name: "look_up",
          arguments: '{"orderId":"A-1001"}',
        },
        {
          type: "function_call",
          id: "fc_2",
          status: "completed",
          call_id: "call_2",
          name: "find_policy",
          arguments: "{}",
        },
      ],
      // "Be brief." and "Where is it?" are 21 characters, "Hm." and the calls 43.
      usage: {
        input_tokens: 6,
        input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: 11,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 17,
      },
    });
  });

  it("stream a text from response.created to response.completed with usage", async () => {
    const { names, events } = await streamed(TEXT, "/responses", RESPONSES);

    const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
    const part = { type: "output_text", text: "On its way.", annotations: [], logprobs: [] };
    const message = { type: "message", id: "msg_1", role: "assistant" };
    const done = { ...message, status: "completed", content: [part] };
    const expected = [
      { type: "response.created", response: { id: "resp_1", status: "in_progress", usage: null } },
      { type: "response.in_progress", response: { id: "resp_1", output: [] } },
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { ...message, status: "in_progress", content: [] },
      },
      { type: "response.content_part.added", ...at, part: { ...part, text: "" } },
      { type: "response.output_text.delta", ...at, delta: "On", logprobs: [] },
      { type: "response.output_text.delta", ...at, delta: " its", logprobs: [] },
      { type: "response.output_text.delta", ...at, delta: " way.", logprobs: [] },
      { type: "response.output_text.done", ...at, text: "On its way.", logprobs: [] },
      { type: "response.content_part.done", ...at, part },
      { type: "response.output_item.done", output_index: 0, item: done },
      {
        type: "response.completed",
        response: {
          id: "resp_1",
          status: "completed",
          output: [done],
          usage: {
            input_tokens: 100,
            input_tokens_details: { cached_tokens: 64 },
            output_tokens: 20,
            output_tokens_details: { reasoning_tokens: 8 },
            total_tokens: 120,
          },
        },
      },
    ];
    expect(events).toMatchObject(
      expected.map((event, index) => ({ ...event, sequence_number: index })),
    );
    expect(events).toHaveLength(expected.length);
    expect(names).toEqual(expected.map(({ type }) => type));
  });

  it("stream each function call as an item of its own", async () => {
    const { events } = await streamed(CALLS, "/responses", RESPONSES);

    const calls = events.slice(8, -1).map((event) => {
      const { type, output_index, item_id, delta, ...rest } = event as Record<string, unknown>;
      return [type, output_index, item_id ?? (rest.item as { id: string }).id, delta];
    });
    expect(calls).toEqual([
      ["response.output_item.added", 1, "fc_1", undefined],
      ["response.function_call_arguments.delta", 1, "fc_1", '{"orderId":"'],
      ["response.function_call_arguments.delta", 1, "fc_1", 'A-1001"}'],
      ["response.function_call_arguments.done", 1, "fc_1", undefined],
      ["response.output_item.done", 1, "fc_1", undefined],
      ["response.output_item.added", 2, "fc_2", undefined],
      ["response.function_call_arguments.delta", 2, "fc_2", "{}"],
      ["response.function_call_arguments.done", 2, "fc_2", undefined],
      ["response.output_item.done", 2, "fc_2", undefined],
    ]);
  });

  it("end a broken stream with the error, and break the connection", async () => {
    const { broken, names, events } = await streamed(
      { type: "stream-error", text: "On" },
      "/responses",
      RESPONSES,
    );

    expect(broken).toBe(true);
    expect(names.at(-1)).toBe("error");
    expect(events.at(-1)).toEqual({
      type: "error",
      error: {
        message: "The server had an error while processing your request.",
        type: "server_error",
        param: null,
        code: "server_error",
      },
      sequence_number: 5,
    });
  });
});

describe("the errors of the model server", () => {
  const TOOL_RESULT = { type: "function_call_output", call_id: "call_1" };

  it.each([
    ["/chat/completions", "{", 400, null, null],
    ["/chat/completions", "", 400, null, null],
    ["/chat/completions", "[]", 400, null, null],
    ["/chat/completions", { model: "m" }, 400, "messages", "missing_required_parameter"],
    [
      "/chat/completions",
      { ...CHAT, model: undefined },
      400,
      "model",
      "missing_required_parameter",
    ],
    ["/chat/completions", { ...CHAT, messages: [] }, 400, "messages", "invalid_value"],
    [
      "/chat/completions",
      { ...CHAT, messages: [{ role: "robot", content: "" }] },
      400,
      "messages[0].role",
      "invalid_value",
    ],
    [
      "/chat/completions",
      { ...CHAT, messages: [{ role: "tool", content: "1" }] },
      400,
      "messages[0].tool_call_id",
      "missing_required_parameter",
    ],
    ["/responses", "{", 400, null, null],
    ["/responses", { model: "m" }, 400, "input", "missing_required_parameter"],
    ["/responses", { model: "m", input: [] }, 400, "input", "invalid_value"],
    [
      "/responses",
      { model: "m", input: [TOOL_RESULT] },
      400,
      "input[0].output",
      "missing_required_parameter",
    ],
    [
      "/responses",
      { model: "m", input: [{ type: "telepathy" }] },
      400,
      "input[0].type",
      "invalid_value",
    ],
    ["/responses", { ...RESPONSES, stream: "yes" }, 400, "stream", "invalid_value"],
    [
      "/responses",
      { ...RESPONSES, previous_response_id: "resp_9" },
      400,
      "previous_response_id",
      "previous_response_not_found",
    ],
    ["/responses", { ...RESPONSES, conversation: "conv_9" }, 404, "conversation", null],
    [
      "/responses",
      { model: "m", input: [{ type: "item_reference", id: "msg_9" }] },
      404,
      "input",
      null,
    ],
    ["/embeddings", RESPONSES, 404, null, null],
  ])("answer %s %j with %i about %s", async (path, body, status, param, code) => {
    server = await startModelServer({ script: () => TEXT });

    const response = await post(server.baseUrl + path, body);

    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: "invalid_request_error", param, code },
    });
  });

  it.each([
    [400, "context_length_exceeded", "invalid_request_error"],
    [401, "invalid_api_key", "invalid_request_error"],
    [429, "rate_limit_exceeded", "requests"],
    [429, "insufficient_quota", "insufficient_quota"],
    [500, "server_error", "server_error"],
    [503, "server_error", "server_error"],
  ] as const)("say what the script says: %i %s, of type %s", async (status, code, type) => {
    const headers = { "retry-after": "7" };
    server = await startModelServer({
      script: () => ({ type: "error", status, code, message: "No.", headers }),
    });

    // An error is no stream, also where a stream was asked for.
    const response = await post(`${server.baseUrl}/responses`, { ...RESPONSES, stream: true });

    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(response.headers.get("x-request-id")).toBe("req_1");
    expect(await response.json()).toEqual({ error: { message: "No.", type, param: null, code } });
  });

  it("say that the server failed when its script throws", async () => {
    server = await startModelServer({
      script() {
        throw new RangeError("No reply for this turn");
      },
    });

    const response = await post(`${server.baseUrl}/chat/completions`, CHAT);

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      error: {
        message: "RangeError: No reply for this turn",
        type: "server_error",
        param: null,
        code: null,
      },
    });
  });

  it("say that the server failed when the pieces of a text are another text", async () => {
    server = await startModelServer({
      script: () => ({ type: "text", text: "One two", chunks: ["One", "two"] }),
    });

    const response = await post(`${server.baseUrl}/responses`, { ...RESPONSES, stream: true });

    expect(response.status).toBe(500);
    expect(await response.text()).toContain("`chunks` must be the pieces of `text`");
  });

  it("say that the server failed when a reply that breaks its stream is asked whole", async () => {
    server = await startModelServer({ script: () => ({ type: "stream-error", text: "On" }) });

    const response = await post(`${server.baseUrl}/chat/completions`, CHAT);

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { code: "server_error" } });
  });
});
