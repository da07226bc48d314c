import { buildTrace } from "@waybill/trace";
import type { Attributes, Trace } from "@waybill/trace";

import { plainSpan } from "./plain-span.ts";

/**
 * A request to an agent: its first model call fails and is tried again, two tools run at the same time, one of which
 * fails, and the reader of the last answer goes away.
 */
export function agentTrace(): Trace {
  const request = plainSpan("POST /chat", {
    endMs: 2412,
    kind: "server",
    attributes: { ...http(200), "user.id": "ada", "session.id": "session-ada" },
  });
  const agent = plainSpan("invoke_agent support-bot", {
    parent: request,
    startMs: 3,
    endMs: 2406,
    attributes: {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "support-bot",
      // What an agent repeats of its model calls must not count again.
      "gen_ai.usage.input_tokens": 4355,
    },
  });
  const refused = plainSpan("chat gpt-5", {
    spanId: "00000000000000c1",
    parent: agent,
    startMs: 5,
    endMs: 517,
    kind: "client",
    status: { code: "error", message: "Rate limit reached for gpt-5. Please try again in 120 ms." },
    attributes: { ...chat(0, 0), "error.type": "rate_limit_exceeded" },
  });
  const refusedRequest = plainSpan("POST", {
    spanId: "00000000000000d1",
    parent: refused,
    startMs: 6,
    endMs: 515,
    kind: "client",
    status: { code: "error" },
    attributes: { ...http(429), "error.type": "429" },
  });
  const planned = plainSpan("chat gpt-5", {
    spanId: "00000000000000c2",
    parent: agent,
    startMs: 640,
    endMs: 1180,
    kind: "client",
    attributes: {
      ...chat(1834, 96),
      "gen_ai.usage.cache_read.input_tokens": 1024,
      "gen_ai.usage.reasoning.output_tokens": 64,
      "waybill.attempt": 2,
    },
  });
  const search = plainSpan("execute_tool search_orders", {
    parent: agent,
    spanId: "00000000000000e1",
    startMs: 1182,
    endMs: 1243,
    attributes: { "gen_ai.operation.name": "execute_tool" },
  });
  const query = plainSpan("SELECT orders", {
    parent: search,
    startMs: 1184,
    endMs: 1187.3,
    kind: "client",
  });
  const refund = plainSpan("execute_tool refund", {
    parent: agent,
    spanId: "00000000000000e2",
    startMs: 1182,
    endMs: 1611,
    status: { code: "error", message: "order C-3003 was delivered more than 30 days ago" },
    attributes: { "gen_ai.operation.name": "execute_tool", "error.type": "RefundDenied" },
  });
  const answered = plainSpan("chat gpt-5", {
    spanId: "00000000000000c3",
    parent: agent,
    startMs: 1630,
    endMs: 2404,
    kind: "client",
    attributes: { ...chat(2101, 187), "waybill.outcome": "cancelled" },
  });
  return buildTrace([
    request,
    agent,
    refused,
    refusedRequest,
    planned,
    search,
    query,
    refund,
    answered,
  ]);
}

function chat(inputTokens: number, outputTokens: number): Attributes {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": inputTokens,
    "gen_ai.usage.output_tokens": outputTokens,
  };
}

function http(statusCode: number): Attributes {
  return { "http.request.method": "POST", "http.response.status_code": statusCode };
}
