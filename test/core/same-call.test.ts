import { traceAgentRun, traceLlmCall, traceToolCall, withSpan } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

describe("one call that two instrumentations trace", () => {
  it("is one span, which knows what either of them knows", async () => {
    const answer = await traceLlmCall({ provider: "openai", model: "gpt-5" }, async (outer) => {
      const text = await withSpan("our own code", () =>
        traceLlmCall(
          {
            provider: "openai",
            model: "gpt-5",
            server: { address: "api.openai.com" },
            request: { temperature: 0.5 },
          },
          async (inner) => {
            inner.recordChunk();
            inner.recordResponse({ id: "resp_1", usage: { inputTokens: 9, outputTokens: 3 } });
            return "hello";
          },
        ),
      );
      expect(outer.usage).toEqual({ inputTokens: 9, outputTokens: 3 });
      outer.recordResponse({ finishReasons: ["stop"] });
      return text;
    });

    expect(answer).toBe("hello");
    expect(spanTree(recording.spans())).toBe(`
chat gpt-5
  our own code
`);
    expect(spanNamed(recording.spans(), "chat gpt-5").attributes).toMatchObject({
      "gen_ai.request.model": "gpt-5",
      "server.address": "api.openai.com",
      "gen_ai.request.temperature": 0.5,
      "gen_ai.response.id": "resp_1",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 9,
    });
  });

  it("shows further attempts of the inner one as events", async () => {
    const busy = Object.assign(new Error("busy"), { status: 503 });
    await traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {
      const attempt = (fail: boolean) =>
        traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {
          if (fail) throw busy;
          return "hello";
        });
      await attempt(true).catch(() => {});
      return attempt(false);
    });

    const span = spanNamed(recording.spans(), "chat gpt-5");
    expect(spanTree(recording.spans())).toBe("\nchat gpt-5\n");
    expect(span.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ["waybill.attempt", { "waybill.attempt": 2, "error.type": "503" }],
    ]);
  });

  it("adds up what its parts have used, one after the other", async () => {
    const part = (inputTokens: number) =>
      traceLlmCall({ provider: "openai", model: "gpt-5" }, async (span) => {
        span.recordResponse({ usage: { inputTokens } });
        span.recordResponse({ usage: { inputTokens, outputTokens: 1 } });
      });
    await traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {
      await part(10);
      await part(20);
    });

    expect(spanNamed(recording.spans(), "chat gpt-5").attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 2,
    });
  });

  it("may be traced by three, each inside the other", () => {
    const call = { provider: "openai", model: "gpt-5" };
    traceLlmCall(call, () =>
      traceLlmCall(call, () =>
        traceLlmCall(call, (span) => span.recordResponse({ usage: { inputTokens: 7 } })),
      ),
    );

    expect(spanTree(recording.spans())).toBe("\nchat gpt-5\n");
    expect(recording.spans()[0]?.attributes["gen_ai.usage.input_tokens"]).toBe(7);
  });

  it("are several calls, if they run at the same time or ask for other models", async () => {
    await traceLlmCall({ provider: "openai", model: "router" }, () =>
      Promise.all([
        traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {}),
        traceLlmCall({ provider: "anthropic", model: "claude" }, async () => {}),
        traceLlmCall({ provider: "openai", model: "router" }, async () => {}),
        traceLlmCall({ provider: "openai", model: "router" }, async () => {}),
      ]),
    );

    expect(spanTree(recording.spans())).toBe(`
chat router
  chat gpt-5
  chat claude
  chat router
`);
  });

  it("fails with the exception once, when the inner one's error escapes", async () => {
    const error = new Error("no");
    const failure = traceLlmCall({ provider: "openai", model: "gpt-5" }, () =>
      traceLlmCall({ provider: "openai", model: "gpt-5" }, async () => {
        throw error;
      }),
    );

    await expect(failure).rejects.toBe(error);
    const span = spanNamed(recording.spans(), "chat gpt-5");
    expect(span.events.map(({ name }) => name)).toEqual(["exception"]);
    expect(span.status.message).toBe("no");
  });

  it("are two calls where another operation stands between, or where the outer one is over", async () => {
    await traceLlmCall({ provider: "openai", model: "outer" }, () =>
      traceAgentRun({ agent: { name: "inner" } }, () =>
        traceLlmCall({ provider: "openai", model: "nested" }, async () => {}),
      ),
    );
    const late = traceLlmCall({ provider: "openai", model: "first" }, (span) =>
      span.bind(() => traceLlmCall({ provider: "openai", model: "second" }, () => {})),
    );
    late();

    expect(spanTree(recording.spans())).toBe(`
chat outer
  invoke_agent inner
    chat nested
chat first
  chat second
`);
  });

  it("is told by the tool and its id or, where one of them does not know that, by who traces it", () => {
    const adapter = { tool: "search", instrumentation: "an adapter" };
    traceToolCall({ ...adapter, callId: "1" }, () => {
      traceToolCall({ ...adapter, callId: "1" }, () => {});
      traceToolCall({ tool: "search", arguments: { q: "pen" } }, () => {});
      traceToolCall({ ...adapter, callId: "2" }, () => {});
      traceToolCall({ tool: "fetch", callId: "1" }, () => {});
    });
    const search = (depth: number): void =>
      traceToolCall({ tool: "search" }, () => (depth === 0 ? undefined : search(depth - 1)));
    search(2);

    expect(spanTree(recording.spans())).toBe(`
execute_tool search
  execute_tool search
  execute_tool fetch
execute_tool search
  execute_tool search
    execute_tool search
`);
    expect(recording.spans()[0]?.attributes["waybill.tool.input_keys"]).toEqual(["q"]);
  });
});
