import { ChatOpenAI } from "@langchain/openai";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { z } from "zod";

import { ConversationMemory } from "./conversation-memory.ts";
import type { ModelEndpoint } from "./model-endpoint.ts";
import { Orders } from "./orders.ts";
import { createReplyWriter } from "./reply-writer.ts";

/** A customer's question. */
export interface Question {
  readonly sessionId: string;
  readonly text: string;

  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;

  /** Gets the answer, piece by piece, while it is written. */
  readonly send: (text: string) => Promise<void>;
}

/** The service itself, without any HTTP: a LangChain agent that plans, with tools, a memory, and a second agent. */
export interface SupportDesk {
  /** Answers a question. Rejects with the signal's reason when it is aborted. */
  readonly answer: (question: Question) => Promise<void>;
  readonly close: () => void;
}

/** Thrown by a tool of the desk: not every order can be refunded. */
export class RefundError extends Error {
  override readonly name = "RefundError";
  readonly code = "not_refundable";
}

/** A support desk on the given models. */
export function createSupportDesk(endpoint: ModelEndpoint): SupportDesk {
  const orders = new Orders();
  const memory = new ConversationMemory();
  const handler = new TraceCallbackHandler();
  const agent = createAgent({
    name: "support-bot",
    model: new ChatOpenAI({
      model: endpoint.models.planner,
      apiKey: endpoint.apiKey,
      configuration: { baseURL: endpoint.baseUrl },
    }),
    systemPrompt:
      "You plan the answer to a customer of a shop. Look up orders, refund what is asked to be refunded, then write the reply with write_reply. After that answer `done`.",
    tools: [lookUpOrder(orders), refundOrder(orders), writeReply(endpoint)],
  });

  return {
    async answer({ sessionId, text, signal, send }) {
      const memories = await memory.search(sessionId);
      const history = memories.flatMap(({ question, answer }) => [
        { role: "user" as const, content: question },
        { role: "assistant" as const, content: answer },
      ]);
      let written = "";
      const sendAndKeep = async (piece: string): Promise<void> => {
        written += piece;
        await send(piece);
      };

      await agent.invoke(
        { messages: [...history, { role: "user", content: text }] },
        { callbacks: [handler], signal, configurable: { send: sendAndKeep } },
      );
      await memory.add(sessionId, { question: text, answer: written });
    },
    close: () => orders.close(),
  };
}

function lookUpOrder(orders: Orders) {
  return tool(
    async ({ orderId }) => JSON.stringify(orders.find(orderId) ?? "There is no such order."),
    {
      name: "look_up_order",
      description: "Looks up an order by its id",
      schema: z.object({ orderId: z.string() }),
    },
  );
}

function refundOrder(orders: Orders) {
  return tool(
    async ({ orderId }) => {
      const order = orders.find(orderId);
      throw new RefundError(`Order ${orderId} (${order?.item ?? "unknown"}) cannot be refunded`);
    },
    {
      name: "refund_order",
      description: "Refunds an order",
      schema: z.object({ orderId: z.string() }),
    },
  );
}

function writeReply(endpoint: ModelEndpoint) {
  const write = createReplyWriter(endpoint);
  return tool(
    async ({ facts }, config) => {
      const { send } = config.configurable as { send: Question["send"] };
      let reply = "";
      for await (const piece of write(facts, config.signal)) {
        reply += piece;
        await send(piece);
      }
      return reply;
    },
    {
      name: "write_reply",
      description: "Writes the reply to the customer from the facts, and sends it",
      schema: z.object({ facts: z.string() }),
    },
  );
}
