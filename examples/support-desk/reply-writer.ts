import { createOpenAI } from "@ai-sdk/openai";
import { traceAI } from "@waybill/ai-sdk";
import * as ai from "ai";
import { z } from "zod";

import type { ModelEndpoint } from "./model-endpoint.ts";

const { streamText } = traceAI(ai);

const POLICIES: Readonly<Record<string, string>> = {
  shipping: "Parcels arrive within three working days.",
  refunds: "Gift cards cannot be refunded.",
};

/** Writes a reply, piece by piece. The second agent of the desk, written with the AI SDK. */
export type ReplyWriter = (facts: string, signal?: AbortSignal) => AsyncIterable<string>;

/** A reply writer on the given models. */
export function createReplyWriter({ baseUrl, apiKey, models }: ModelEndpoint): ReplyWriter {
  const openai = createOpenAI({ apiKey, ...(baseUrl !== undefined && { baseURL: baseUrl }) });

  return (facts, abortSignal) =>
    streamText({
      model: openai(models.writer),
      telemetry: { functionId: "reply-writer" },
      instructions:
        "You write short, friendly replies to customers. Look up the policy that applies first.",
      prompt: facts,
      tools: {
        find_policy: ai.tool({
          description: "Finds the shop's policy on a subject",
          inputSchema: z.object({ subject: z.enum(["shipping", "refunds"]) }),
          execute: async ({ subject }) => POLICIES[subject] ?? "There is no such policy.",
        }),
      },
      stopWhen: ai.isStepCount(3),
      ...(abortSignal && { abortSignal }),
    }).textStream;
}
