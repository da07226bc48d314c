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
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { startRequestSpan } from "../support/request-span.ts";
import { spanNamed } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  diag.disable();
  await recording.stop();
});

describe("setIdentity", () => {
  it("holds for the SERVER span and for every span started afterwards, those of other libraries included", () => {
    const request = startRequestSpan();
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
        const request = startRequestSpan();
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

  it("gives a nested agent without a name none, nor what it starts, but its configuration", () => {
    withIdentity({ agent: { name: "desk", version: "7" } }, () =>
      traceAgentRun({}, () => {
        traceToolCall({ tool: "of the desk" }, () => {});
        traceAgentRun({}, () => traceToolCall({ tool: "of nobody" }, () => {}));
        traceAgentRun({ agent: { name: "planner", configId: "blue" } }, () => {
          traceAgentRun({ agent: { configId: "red" } }, () => {
            traceToolCall({ tool: "inside" }, () => {});
            traceAgentRun({ agent: { name: "writer" } }, () =>
              traceToolCall({ tool: "of the writer" }, () => {}),
            );
          });
          withIdentity({ agent: { name: "checker" } }, () =>
            traceAgentRun({}, () => traceToolCall({ tool: "of the checker" }, () => {})),
          );
          traceToolCall({ tool: "of the planner" }, () => {});
        });
      }),
    );

    const agents = recording
      .spans()
      .filter(({ name }) => name.startsWith("execute_tool"))
      .map(({ name, attributes }) => [
        name.slice("execute_tool ".length),
        attributes["gen_ai.agent.name"],
        attributes["waybill.agent.version"],
        attributes["waybill.agent.config_id"],
      ]);
    expect(agents).toEqual([
      ["of the desk", "desk", "7", undefined],
      ["of nobody", undefined, "7", undefined],
      ["inside", undefined, "7", "red"],
      ["of the writer", "writer", "7", "red"],
      ["of the checker", "checker", "7", "blue"],
      ["of the planner", "planner", "7", "blue"],
    ]);
  });

  it("takes no entries that would falsify what a span says, and says so in `diag`", () => {
    const warn = vi.fn();
    diag.setLogger({ warn, error: warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
    const forged = [
      "gen_ai.request.model",
      "http.route",
      "url.path",
      "server.address",
      "client.address",
      "network.peer.address",
      "user_agent.original",
      "error.type",
      "exception.message",
      "code.function.name",
      "service.name",
      "telemetry.sdk.name",
      "otel.status_code",
      "waybill.outcome",
    ];

    withIdentity(
      { entries: { ...Object.fromEntries(forged.map((key) => [key, "x"])), "user.plan": "pro" } },
      () => withSpan("work", () => {}),
    );

    expect(recording.spans()[0]?.attributes).toEqual({ "user.plan": "pro" });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("left out because of its key"));
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
    const request = startRequestSpan();
    context.with(request.context, () => {
      for (let index = 0; index < 100; index += 1)
        setIdentity({ entries: { [`key${index}`]: "x" } });
      setIdentity({ entries: { ["k".repeat(200)]: "x", "line\nbreak": "x" } });
      setIdentity({ entries: "abcdef" as unknown as Record<string, string> });
      expect(Object.keys(currentIdentity().entries ?? {})).toHaveLength(16);
    });
    request.answered({ request: undefined, route: () => "/chat", header: () => undefined });
    request.end({ statusCode: 200 });

    const { attributes } = spanNamed(recording.spans(), "POST /chat");
    expect(attributes).toMatchObject({ "http.response.status_code": 200, key15: "x" });
    expect(attributes["key16"]).toBeUndefined();
  });

  it("does not overwrite what the SERVER span says of the request", () => {
    const request = startRequestSpan();
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
