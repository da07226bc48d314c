import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startModelServer } from "../../examples/model-server/model-server.ts";
import type { ModelServer } from "../../examples/model-server/model-server.ts";
import { codeBlock, outline, printedBy, readme } from "../support/readme.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer({
    script: ({ tools, toolResultsSinceUser }) =>
      tools.length > 0 && toolResultsSinceUser === 0
        ? {
            type: "tool-calls",
            calls: [{ name: "weather", arguments: { city: "Lisbon" } }],
            usage: { inputTokens: 61, outputTokens: 17 },
          }
        : { type: "text", text: "It is mild.", usage: { inputTokens: 95, outputTokens: 8 } },
  });
});
afterAll(() => model.close());

describe.each(["core", "express", "hono", "langchain", "ai-sdk", "trace", "sdk"])(
  "the README of @waybill/%s",
  (packageName) => {
    it("shows a program that prints the trace it says", async () => {
      const text = readme(packageName);
      const printed = await printedBy(codeBlock(text, "ts"), {
        OPENAI_API_KEY: "none",
        OPENAI_BASE_URL: model.baseUrl,
      });

      const shown = outline(codeBlock(text, "text"));
      expect(shown.length).toBeGreaterThan(2);
      expect(outline(printed)).toEqual(expect.arrayContaining(shown));
      expect(outline(printed).filter((line) => shown.includes(line))).toEqual(shown);
    });
  },
);
