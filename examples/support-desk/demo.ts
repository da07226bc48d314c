/**
 * A support desk, traced from the HTTP request to the last tool call.
 *
 *     npm run demo
 *
 * Without a key a scripted model on this machine stands in. With `OPENAI_API_KEY` (and, if you like, `OPENAI_BASE_URL`,
 * `PLANNER_MODEL`, `WRITER_MODEL`) the same program talks to the real thing.
 */
import { join, relative } from "node:path";

import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { startTracing } from "@waybill/sdk";
import { renderTimeline } from "@waybill/trace";
import type { Trace } from "@waybill/trace";

import { startModelServer } from "../model-server/model-server.ts";
import { chat } from "./chat-client.ts";
import type { ChatRequest } from "./chat-client.ts";
import type { ModelEndpoint } from "./model-endpoint.ts";
import { startExpressService, startHonoService } from "./running-service.ts";
import { scriptedModel } from "./scripted-model.ts";
import { createSupportDesk } from "./support-desk.ts";
import { writeTraceFiles } from "./trace-files.ts";

const OUT = join(import.meta.dirname, "out");

// `npm run demo | head`: whoever reads has seen enough.
process.stdout.on("error", () => process.exit());

const disabled = process.env.OTEL_SDK_DISABLED?.toLowerCase() === "true";

const traces: Trace[] = [];
const tracing = startTracing({
  serviceName: "support-desk",
  serviceVersion: "1.0.0",
  timeline: false,
  onTrace: (trace) => traces.push(trace),
});

const model = await chooseModel();
// The user's own HTTP instrumentation: its spans nest below the model calls. The demo's own requests stay untraced.
const http = new UndiciInstrumentation({ ignoreRequestHook: ({ path }) => path === "/chat" });

const desk = createSupportDesk(model.endpoint);
const express = await startExpressService(desk);
const hono = await startHonoService(desk);
say(`The support desk listens: on Express at ${express.url}, on Hono at ${hono.url}.`);
say(model.description);
if (disabled) say("OTEL_SDK_DISABLED is true: the desk answers, and nothing is traced.");

await ask("1. On Express, Ada asks where her order is.", {
  url: express.url,
  user: "ada",
  sessionId: "session-ada",
  question: "Where is my order A-1001?",
});
await ask(
  "2. On Express, Ben asks for a refund that his order does not allow: a tool fails, the agent goes on.",
  {
    url: express.url,
    user: "ben",
    sessionId: "session-ben",
    question: "Please refund order C-3003.",
  },
);
await ask(
  "3. On Hono, Cleo and Dan ask at the same time.",
  { url: hono.url, user: "cleo", sessionId: "session-cleo", question: "When will B-2002 arrive?" },
  { url: hono.url, user: "dan", sessionId: "session-dan", question: "Did you ship A-1001?" },
);
await ask("4. On Hono, Eve leaves in the middle of the answer.", {
  url: hono.url,
  user: "eve",
  sessionId: "session-eve",
  question: "Where is my order B-2002?",
  leaveAfterPieces: 3,
});

await Promise.all([express.close(), hono.close()]);
desk.close();
http.disable();
await model.close();
await tracing.shutdown();

if (traces.length > 0) {
  say(
    "Every trace was written as JSON, as Jaeger JSON (upload it in Jaeger's UI) and as OTLP JSON:",
  );
}
for (const [index, trace] of traces.entries()) {
  const name = `${index + 1}-${trace.identity.userId ?? "nobody"}`;
  const paths = await writeTraceFiles(trace, OUT, name);
  console.log(`  ${paths.map((path) => relative(process.cwd(), path)).join("  ")}`);
}

/** Sends requests at the same time, and shows the trace of each once it is over. */
async function ask(title: string, ...requests: ChatRequest[]): Promise<void> {
  say(title);
  const before = traces.length;
  const answers = await Promise.all(requests.map((request) => chat(request)));
  for (const [index, { text }] of answers.entries()) {
    console.log(`   ${requests[index]?.user} reads: ${text}`);
  }

  if (disabled) return;
  await waitFor(() => traces.length >= before + requests.length);
  const { columns, isTTY } = process.stdout;
  // Below 40 columns there is no room to draw; a terminal that does not know its width says 0.
  const width = isTTY ? Math.min(Math.max(columns || 110, 40), 140) : 110;
  for (const trace of traces.slice(before)) {
    console.log(`\n${renderTimeline(trace, { width, color: isTTY && !process.env.NO_COLOR })}`);
  }
}

/** Resolves once `done` says so; gives up after 10 seconds, so that a trace that never ends is seen as missing. */
async function waitFor(done: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > deadlineMs)
      throw new Error("A request's trace was not over after 10 seconds.");
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

async function chooseModel(): Promise<{
  readonly endpoint: ModelEndpoint;
  readonly description: string;
  readonly close: () => Promise<void>;
}> {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, PLANNER_MODEL, WRITER_MODEL } = process.env;
  const models = { planner: PLANNER_MODEL ?? "gpt-5", writer: WRITER_MODEL ?? "gpt-5-mini" };
  if (OPENAI_API_KEY) {
    return {
      endpoint: {
        apiKey: OPENAI_API_KEY,
        models,
        ...(OPENAI_BASE_URL && { baseUrl: OPENAI_BASE_URL }),
      },
      description: `The models are ${models.planner} and ${models.writer} at ${OPENAI_BASE_URL ?? "OpenAI"}.`,
      close: async () => {},
    };
  }
  const server = await startModelServer({ script: scriptedModel, chunkDelayMs: 12 });
  return {
    endpoint: { apiKey: "none", baseUrl: server.baseUrl, models },
    description: `A scripted model at ${server.baseUrl} stands in: no key is set.`,
    close: () => server.close(),
  };
}

function say(text: string): void {
  console.log(`\n${text}`);
}
