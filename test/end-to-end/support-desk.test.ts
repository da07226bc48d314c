import { startTracing } from "@waybill/sdk";
import type { Tracing } from "@waybill/sdk";
import type { Span, SpanNode, Trace } from "@waybill/trace";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type { ModelServer } from "../../examples/model-server/model-server.ts";
import { chat } from "../../examples/support-desk/chat-client.ts";
import {
  startExpressService,
  startHonoService,
} from "../../examples/support-desk/running-service.ts";
import type { RunningService } from "../../examples/support-desk/running-service.ts";
import { scriptedModel } from "../../examples/support-desk/scripted-model.ts";
import { createSupportDesk } from "../../examples/support-desk/support-desk.ts";
import type { SupportDesk } from "../../examples/support-desk/support-desk.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER_ID = "00f067aa0ba902b7";

let model: ModelServer;
let desk: SupportDesk;
beforeAll(async () => {
  model = await startModelServer({ script: scriptedModel });
  const models = { planner: "gpt-5", writer: "gpt-5-mini" };
  desk = createSupportDesk({ apiKey: "none", baseUrl: model.baseUrl, models });
});
afterAll(async () => {
  desk.close();
  await model.close();
});

describe.each([
  ["Express", startExpressService],
  ["Hono", startHonoService],
] as const)("the support desk on %s", (_framework, startService) => {
  let service: RunningService;
  let tracing: Tracing | undefined;
  let traces: Trace[];
  let arrived: () => void;
  beforeEach(async () => {
    traces = [];
    arrived = () => {};
    service = await startService(desk);
  });
  afterEach(async () => {
    await service.close();
    await tracing?.shutdown();
    tracing = undefined;
  });

  function trace(): void {
    tracing = startTracing({
      serviceName: "support-desk",
      timeline: false,
      onTrace(one) {
        traces.push(one);
        arrived();
      },
    });
  }

  async function finished(count: number): Promise<Trace[]> {
    while (traces.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrived = resolve;
      await promise;
    }
    return traces;
  }

  it("makes one tree of a request, in the caller's trace, and lets in the listed baggage only", async () => {
    trace();
    const { status, text } = await chat({
      url: service.url,
      user: "ada",
      sessionId: "s-1",
      question: "Where is my order A-1001?",
      headers: {
        traceparent: `00-${TRACE_ID}-${CALLER_ID}-01`,
        baggage: "tenant=acme,user.id=forged,plan=forged,http.route=forged",
      },
    });
    const [request] = await finished(1);

    expect(status).toBe(200);
    expect(text).toContain("Your order A-1001 is on its way");
    expect(tree(request)).toBe(`
POST /chat (server)
  search_memory (internal)
  invoke_agent support-bot (internal)
    chat gpt-5 (client)
    execute_tool look_up_order (internal)
      SELECT orders (client)
    chat gpt-5 (client)
    execute_tool write_reply (internal)
      invoke_agent reply-writer (internal)
        chat gpt-5-mini (client)
        execute_tool find_policy (internal)
        chat gpt-5-mini (client)
    chat gpt-5 (client)
  create_memory (internal)
`);
    expect(request?.complete).toBe(true);
    expect(request?.traceId).toBe(TRACE_ID);
    expect(request?.roots[0]?.span.parentSpanId).toBe(CALLER_ID);
    expect(new Set(request?.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    expect(JSON.stringify(request?.spans.map(({ attributes }) => attributes))).not.toContain(
      "forged",
    );
    for (const span of request?.spans ?? []) {
      expect(span.attributes, span.name).toMatchObject({
        "user.id": "ada",
        "session.id": "s-1",
        tenant: "acme",
        "waybill.agent.version": "2026-11",
        "waybill.agent.config_id": "support-v3",
      });
    }
  });

  it("records the tokens that the models said, and no content", async () => {
    trace();
    await chat({
      url: service.url,
      user: "ada",
      sessionId: "s-1",
      question: "Where is my order A-1001?",
    });
    const [request] = await finished(1);

    const calls = spans(request, "chat gpt-5", "chat gpt-5-mini").map(({ attributes }) => [
      attributes["gen_ai.usage.input_tokens"],
      attributes["gen_ai.usage.output_tokens"],
      attributes["gen_ai.usage.cache_read.input_tokens"],
      attributes["gen_ai.usage.reasoning.output_tokens"],
    ]);
    expect(calls).toEqual([
      [412, 24, 256, undefined],
      [502, 24, 256, undefined],
      [186, 17, undefined, 8],
      [241, 33, 128, undefined],
      [592, 2, 256, undefined],
    ]);
    expect(request?.usage).toMatchObject({ inputTokens: 1933, outputTokens: 100 });
    const everything = JSON.stringify(
      request?.spans.map(({ attributes, events }) => [attributes, events]),
    );
    expect(everything).not.toMatch(
      /fountain pen|Where is my order|three working days|You plan the answer/,
    );
  });

  it("shows a tool that failed as failed, and its agent, which went on, as sound", async () => {
    trace();
    const { text } = await chat({
      url: service.url,
      user: "ben",
      sessionId: "s-2",
      question: "Please refund order C-3003.",
    });
    const [request] = await finished(1);

    expect(text).toContain("cannot be refunded");
    const [failed] = spans(request, "execute_tool refund_order");
    expect(failed?.status).toEqual({
      code: "error",
      message: "Order C-3003 (a gift card) cannot be refunded",
    });
    expect(failed?.attributes).toMatchObject({
      "error.type": "not_refundable",
      "waybill.outcome": "error",
    });
    expect(failed?.events.map(({ name }) => name)).toEqual(["exception"]);
    expect(failed?.events[0]?.attributes).toMatchObject({ "exception.type": "RefundError" });
    const others = request?.spans.filter((span) => span !== failed) ?? [];
    expect(others.map(({ status }) => status.code)).toEqual(others.map(() => "unset"));
    expect(others.some(({ attributes }) => "waybill.outcome" in attributes)).toBe(false);
  });

  it("ends every span as cancelled when the client leaves in the middle of the answer", async () => {
    trace();
    await chat({
      url: service.url,
      user: "eve",
      sessionId: "s-3",
      question: "Where is B-2002?",
      leaveAfterPieces: 2,
    });
    const [request] = await finished(1);

    expect(request?.complete).toBe(true);
    expect(tree(request)).toBe(`
POST /chat (server) cancelled
  search_memory (internal)
  invoke_agent support-bot (internal) cancelled
    chat gpt-5 (client)
    execute_tool look_up_order (internal)
      SELECT orders (client)
    chat gpt-5 (client)
    execute_tool write_reply (internal) cancelled
      invoke_agent reply-writer (internal) cancelled
        chat gpt-5-mini (client)
        execute_tool find_policy (internal)
        chat gpt-5-mini (client) cancelled
`);
    expect(request?.errorCount).toBe(0);
  });

  it("never mixes requests of different users that run at the same time", async () => {
    trace();
    const users = Array.from({ length: 20 }, (_, index) => `user${index}`);
    await Promise.all(
      users.map((user) =>
        chat({
          url: service.url,
          user,
          sessionId: `s-${user}`,
          question: "Where is my order A-1001?",
        }),
      ),
    );
    const finishedTraces = await finished(users.length);

    expect(new Set(finishedTraces.map(({ traceId }) => traceId)).size).toBe(users.length);
    expect(new Set(finishedTraces.map(({ identity }) => identity.userId))).toEqual(new Set(users));
    for (const one of finishedTraces) {
      const user = String(one.identity.userId);
      expect(one.roots).toHaveLength(1);
      expect(one.spans).toHaveLength(14);
      for (const { attributes, name } of one.spans) {
        expect(attributes, name).toMatchObject({ "user.id": user, "session.id": `s-${user}` });
      }
    }
  });

  it("answers as always when tracing is off, and records nothing", async () => {
    const { status, text } = await chat({
      url: service.url,
      user: "ada",
      sessionId: "s-9",
      question: "Where is my order A-1001?",
    });

    expect(status).toBe(200);
    expect(text).toContain("Your order A-1001 is on its way");
    expect(traces).toEqual([]);
  });
});

function spans(trace: Trace | undefined, ...names: string[]): readonly Span[] {
  return trace?.spans.filter(({ name }) => names.includes(name)) ?? [];
}

function tree(trace: Trace | undefined): string {
  const lines: string[] = [];
  const write = ({ span, children }: SpanNode, depth: number): void => {
    const { "waybill.outcome": outcome } = span.attributes;
    const ending = typeof outcome === "string" ? ` ${outcome}` : "";
    lines.push(`${"  ".repeat(depth)}${span.name} (${span.kind})${ending}`);
    for (const child of children) write(child, depth + 1);
  };
  for (const root of trace?.roots ?? []) write(root, 0);
  return `\n${lines.join("\n")}\n`;
}
