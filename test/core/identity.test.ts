import { diag, DiagLogLevel, trace } from "@opentelemetry/api";
import { context } from "@opentelemetry/api";
import {
  currentIdentity,
  setIdentity,
  traceAgentRun,
  traceLlmCall,
  traceToolCall,
  withIdentity,
  withSpan,
} from "@waybill/core";
import { startRequestSpan } from "@waybill/core/http";
import type { RequestSpan } from "@waybill/core/http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  diag.disable();
  await recording.stop();
});

function openRequest(): RequestSpan {
  return startRequestSpan(
    { method: "POST", scheme: "http", path: "/chat", query: "", header: () => undefined },
    { acceptBaggage: [] },
  );
}

describe("setIdentity", () => {
  it("holds for the SERVER span and for every span started afterwards, those of other libraries included", () => {
    const request = openRequest();
    context.with(request.context, () => {
      withSpan("before", () => {});
      setIdentity({ userId: "ada", sessionId: "s-1", entries: { tenant: "acme" } });
      withSpan("after", () => trace.getTracer("a database").startSpan("SELECT orders").end());
      setIdentity({ sessionId: "s-2" });
      withSpan("later", () => {});
    });
    request.end({ statusCode: 200 });

    const identity = { "user.id": "ada", "session.id": "s-1", tenant: "acme" };
    const spans = recording.spans();
    expect(spanNamed(spans, "before").attributes).toEqual({});
    expect(spanNamed(spans, "after").attributes).toEqual(identity);
    expect(spanNamed(spans, "SELECT orders").attributes).toEqual(identity);
    expect(spanNamed(spans, "later").attributes).toEqual({ ...identity, "session.id": "s-2" });
    expect(spanNamed(spans, "POST").attributes).toMatchObject({ ...identity, "session.id": "s-2" });
  });

  it("says in `diag` that it has no effect outside a request, and does not throw", () => {
    const warn = vi.fn();
    diag.setLogger({ warn, error: warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

    setIdentity({ userId: "nobody" });

    expect(currentIdentity()).toEqual({});
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("outside a request"));
  });

  it("keeps requests apart that run at the same time", async () => {
    const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);

    await Promise.all(
      users.map((userId) => {
        const request = openRequest();
        return context.with(request.context, async () => {
          await Promise.resolve();
          setIdentity({ userId });
          await Promise.resolve();
          await withSpan(`work of ${userId}`, async () => {});
          request.end({ statusCode: 200 });
        });
      }),
    );

    for (const userId of users) {
      expect(spanNamed(recording.spans(), `work of ${userId}`).attributes).toEqual({
        "user.id": userId,
      });
    }
  });
});

describe("identity", () => {
  it("puts conversation and agent on GenAI spans only, the agent being the innermost, and its configuration on all", () => {
    withIdentity(
      { conversationId: "c-1", agent: { name: "desk", version: "7", configId: "blue" } },
      () =>
        traceAgentRun({ agent: { name: "planner" } }, () => {
          traceLlmCall({ provider: "openai", model: "gpt-5" }, () => {});
          traceToolCall({ tool: "look_up" }, () => {
            withSpan("SELECT", () => {});
            traceAgentRun({ agent: { name: "writer", version: "9" } }, () => {
              traceLlmCall({ provider: "openai", model: "gpt-5-mini" }, () => {});
            });
          });
        }),
    );

    const spans = recording.spans();
    const about = (name: string) => {
      const { attributes } = spanNamed(spans, name);
      return [
        attributes["gen_ai.agent.name"],
        attributes["gen_ai.conversation.id"],
        attributes["waybill.agent.version"],
        attributes["waybill.agent.config_id"],
      ];
    };
    expect(about("invoke_agent planner")).toEqual(["planner", "c-1", "7", "blue"]);
    expect(about("chat gpt-5")).toEqual(["planner", "c-1", "7", "blue"]);
    expect(about("execute_tool look_up")).toEqual(["planner", "c-1", "7", "blue"]);
    expect(about("SELECT")).toEqual([undefined, undefined, "7", "blue"]);
    expect(about("invoke_agent writer")).toEqual(["writer", "c-1", "9", "blue"]);
    expect(about("chat gpt-5-mini")).toEqual(["writer", "c-1", "9", "blue"]);
  });

  it("never overwrites an attribute", () => {
    withIdentity({ userId: "ada" }, () => {
      withSpan("ours", { attributes: { "user.id": "given" } }, () => {});
      trace
        .getTracer("theirs")
        .startSpan("theirs", { attributes: { "user.id": "given" } })
        .end();
    });

    expect(recording.spans().map(({ attributes }) => attributes["user.id"])).toEqual([
      "given",
      "given",
    ]);
  });

  it("bounds what it is given and removes control characters", () => {
    const entries = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`key${index}`, "x"]),
    );
    const identity = {
      userId: `a\r\nb\u001b[31m${"c".repeat(1000)}`,
      sessionId: 17 as unknown as string,
      entries,
    };

    withIdentity({ ...identity, conversationId: {} as unknown as string }, () =>
      withSpan("work", () => {}),
    );

    const { attributes } = spanNamed(recording.spans(), "work");
    expect(attributes["user.id"]).toBe(`ab[31m${"c".repeat(250)}`);
    expect(attributes["session.id"]).toBe("17");
    expect(Object.keys(attributes)).toHaveLength(2 + 16);
  });

  it("holds 16 entries in all, however many are given one after the other, and none with a key that cannot be one", () => {
    const request = openRequest();
    context.with(request.context, () => {
      for (let index = 0; index < 100; index += 1)
        setIdentity({ entries: { [`key${index}`]: "x" } });
      setIdentity({ entries: { ["k".repeat(200)]: "x", "line\nbreak": "x" } });
      setIdentity({ entries: "abcdef" as unknown as Record<string, string> });
      expect(Object.keys(currentIdentity().entries ?? {})).toHaveLength(16);
    });
    request.end({ statusCode: 200, route: "/chat" });

    const { attributes } = spanNamed(recording.spans(), "POST /chat");
    expect(attributes).toMatchObject({ "http.response.status_code": 200, key15: "x" });
    expect(attributes["key16"]).toBeUndefined();
  });

  it("does not overwrite what the SERVER span says of the request", () => {
    const request = openRequest();
    context.with(request.context, () => {
      setIdentity({ entries: { "url.path": "/forged", tenant: "acme" } });
      setIdentity({ entries: { tenant: "globex" } });
    });
    request.end({ statusCode: 200 });

    expect(spanNamed(recording.spans(), "POST").attributes).toMatchObject({
      "url.path": "/chat",
      tenant: "globex",
    });
  });
});
