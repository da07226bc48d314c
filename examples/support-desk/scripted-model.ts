import type { ModelReply, ModelTurn } from "../model-server/model-server.ts";

/**
 * What the stand-in model says, by the turn of the conversation. A planner that calls tools in order, and a writer that
 * looks up a policy and then writes.
 */
export function scriptedModel(turn: ModelTurn): ModelReply {
  return turn.tools.includes("find_policy") ? writer(turn) : planner(turn);
}

function planner({ lastUserText, toolResultsSinceUser }: ModelTurn): ModelReply {
  const orderId = /[A-Z]-\d{4}/.exec(lastUserText)?.[0] ?? "A-1001";
  const refund = /refund/i.test(lastUserText);
  const usage = {
    inputTokens: 412 + 90 * toolResultsSinceUser,
    outputTokens: 24,
    cachedInputTokens: 256,
  };

  if (toolResultsSinceUser === 0) {
    const name = refund ? "refund_order" : "look_up_order";
    return { type: "tool-calls", calls: [{ name, arguments: { orderId } }], usage };
  }
  if (toolResultsSinceUser === 1) {
    const facts = refund
      ? `The refund of order ${orderId} failed: it cannot be refunded.`
      : `The customer asked: ${lastUserText}. Order ${orderId} was looked up.`;
    return { type: "tool-calls", calls: [{ name: "write_reply", arguments: { facts } }], usage };
  }
  return { type: "text", text: "done", usage: { ...usage, outputTokens: 2 } };
}

function writer({ lastUserText, toolResultsSinceUser }: ModelTurn): ModelReply {
  const refund = /refund/i.test(lastUserText);
  if (toolResultsSinceUser === 0) {
    return {
      type: "tool-calls",
      calls: [{ name: "find_policy", arguments: { subject: refund ? "refunds" : "shipping" } }],
      usage: { inputTokens: 186, outputTokens: 17, reasoningTokens: 8 },
    };
  }
  const orderId = /[A-Z]-\d{4}/.exec(lastUserText)?.[0] ?? "";
  const text = refund
    ? `I am sorry: order ${orderId} is a gift card, and those cannot be refunded. Is there anything else I can do for you?`
    : `Your order ${orderId} is on its way to you, and parcels arrive within three working days. Thank you for your patience!`;
  return {
    type: "text",
    text,
    usage: { inputTokens: 241, outputTokens: 33, cachedInputTokens: 128 },
  };
}
