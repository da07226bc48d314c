import { SamplingDecision } from "@opentelemetry/sdk-trace";
import {
  configureWaybill,
  traceAgentRun,
  traceDecision,
  traceEmbeddings,
  traceIteration,
  traceLlmCall,
  traceMemoryOperation,
  tracePlan,
  traceRetrieval,
  traceToolCall,
  traceWorkflow,
} from "@waybill/core";
import type { CaptureContent } from "@waybill/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill({ captureContent: false });
  await recording.stop();
});

const question = [{ role: "user", parts: [{ type: "text", content: "secret question" }] }];
const answer = [
  { role: "assistant", parts: [{ type: "text", content: "secret answer" }], finish_reason: "stop" },
];
const system = [{ type: "text", content: "secret instructions" }];

/** Uses everything of every operation that records content. */
function useEverything(captureContent?: CaptureContent): void {
  const options = { captureContent };
  traceAgentRun({ ...options, agent: { name: "bot" } }, (span) => {
    span.recordInput(() => question);
    span.recordOutput(() => answer);
  });
  traceWorkflow({ ...options, workflow: "flow" }, (span) => {
    span.recordInput(() => question);
    span.recordOutput(() => answer);
  });
  tracePlan(options, () => "secret plan");
  traceLlmCall({ ...options, provider: "openai" }, (span) => {
    span.recordInput(() => ({ messages: question, system }));
    span.recordResponse({ output: answer });
  });
  traceEmbeddings({ ...options, provider: "openai" }, () => ["secret text"]);
  traceRetrieval(options, (span) => {
    span.recordQuery(() => "secret query");
    span.recordDocuments(() => [{ id: "d-1", content: "secret document" }]);
  });
  traceToolCall({ ...options, tool: "look_up", arguments: { id: "secret id" } }, () => "secret");
  traceMemoryOperation({ ...options, operation: "search_memory" }, (span) => {
    span.recordQuery(() => "secret memory");
    span.recordRecords([{ content: "secret record" }]);
  });
  traceDecision({ ...options, type: "route", options: ["secret option"] }, (span) =>
    span.recordDecision({ chosen: "refund", reason: "secret reason" }),
  );
  traceIteration({ ...options, iteration: 1 }, () => "secret thought");
}

/** What was recorded that nobody may see unasked: `span: attribute`, each with its value. */
function content(): Record<string, unknown> {
  return Object.fromEntries(
    recording
      .spans()
      .flatMap(({ name, attributes }) =>
        Object.entries(attributes).map(([key, value]) => [`${name}: ${key}`, value] as const),
      )
      .filter(([, value]) => JSON.stringify(value)?.includes("secret")),
  );
}

const INPUT = {
  "invoke_agent bot: gen_ai.input.messages": JSON.stringify(question),
  "invoke_workflow flow: gen_ai.input.messages": JSON.stringify(question),
  "chat: gen_ai.input.messages": JSON.stringify(question),
  "retrieval: gen_ai.retrieval.query.text": "secret query",
  "decision route: waybill.decision.options": '["secret option"]',
};
const OUTPUT = {
  "invoke_agent bot: gen_ai.output.messages": JSON.stringify(answer),
  "invoke_workflow flow: gen_ai.output.messages": JSON.stringify(answer),
  "chat: gen_ai.output.messages": JSON.stringify(answer),
  "retrieval: gen_ai.retrieval.documents": '[{"id":"d-1","content":"secret document"}]',
  "decision route: waybill.decision.reason": "secret reason",
};
const SYSTEM = { "chat: gen_ai.system_instructions": JSON.stringify(system) };
const TOOL_ARGUMENTS = {
  "execute_tool look_up: gen_ai.tool.call.arguments": '{"id":"secret id"}',
};
const TOOL_RESULTS = { "execute_tool look_up: gen_ai.tool.call.result": '{"result":"secret"}' };
const MEMORY = {
  "search_memory: gen_ai.memory.query.text": "secret memory",
  "search_memory: gen_ai.memory.records": '[{"content":"secret record"}]',
};

describe("an operation's content", () => {
  it("is not recorded unless somebody asks for it", () => {
    useEverything();

    expect(recording.spans()).toHaveLength(10);
    expect(content()).toEqual({});
  });

  it.each([
    ["input", INPUT],
    ["output", OUTPUT],
    ["system", SYSTEM],
    ["toolArguments", TOOL_ARGUMENTS],
    ["toolResults", TOOL_RESULTS],
    ["memory", MEMORY],
  ])("is recorded by kinds: only what `%s` allows", (kind, expected) => {
    useEverything({ [kind]: true });

    expect(content()).toEqual(expected);
  });

  it("is recorded as a whole with `captureContent: true`, of the process or of the operation", () => {
    const all = { ...INPUT, ...OUTPUT, ...SYSTEM, ...TOOL_ARGUMENTS, ...TOOL_RESULTS, ...MEMORY };
    useEverything(true);
    expect(content()).toEqual(all);
  });

  it("is left to the operation, where that says otherwise than the process", () => {
    configureWaybill({ captureContent: true });

    useEverything(false);

    expect(content()).toEqual({});
  });
});

describe("what is given as one text", () => {
  it("becomes messages in the GenAI schema", () => {
    const user = '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]';
    const assistant = '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]';
    configureWaybill({ captureContent: true });

    traceLlmCall({ provider: "p" }, (span) => {
      span.recordInput(() => "Hi");
      span.recordOutput(() => "Hello");
    });
    traceLlmCall({ provider: "p" }, (span) => {
      span.recordInput(() => ({ messages: "Hi", system: "You help." }));
      span.recordResponse({ finishReasons: ["stop"], output: "Hello" });
    });
    traceLlmCall({ provider: "p" }, (span) => span.recordInput(() => ({ messages: ["Hi"] })));
    traceAgentRun({}, (span) => {
      span.recordInput(() => "Hi");
      span.recordOutput(() => "Hello");
    });
    traceWorkflow({}, (span) => {
      span.recordInput(() => "Hi");
      span.recordOutput(() => "Hello");
    });

    const [first, second, third, agent, workflow] = recording
      .spans()
      .map(({ attributes }) => attributes);
    const both = { "gen_ai.input.messages": user, "gen_ai.output.messages": assistant };
    expect(first).toMatchObject(both);
    expect(second).toMatchObject({
      "gen_ai.input.messages": user,
      "gen_ai.system_instructions": '[{"type":"text","content":"You help."}]',
      "gen_ai.output.messages":
        '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]',
    });
    expect(third).toMatchObject({ "gen_ai.input.messages": user });
    expect(agent).toMatchObject(both);
    expect(workflow).toMatchObject(both);
  });
});

describe("the tools that a model may call", () => {
  const tools = [
    { name: "look_up", description: "Looks up", parameters: { type: "object" } },
    { type: "web_search", name: "search" },
  ];

  it.each([
    [undefined, '[{"type":"function","name":"look_up"},{"type":"web_search","name":"search"}]'],
    [
      true,
      '[{"type":"function","name":"look_up","description":"Looks up","parameters":{"type":"object"}},{"type":"web_search","name":"search"}]',
    ],
  ])("are content, by type and name, with `toolDetails: %s`", (toolDetails, expected) => {
    const request = { tools, toolDetails };
    traceLlmCall({ provider: "p", request, captureContent: { input: true } }, () => {});
    traceLlmCall({ provider: "p", request, captureContent: { output: true } }, () => {});

    const recorded = recording
      .spans()
      .map(({ attributes }) => attributes["gen_ai.tool.definitions"]);
    expect(recorded).toEqual([expected, undefined]);
  });
});

describe("a tool's arguments and result", () => {
  it("are wrapped as the schema asks for, where they are no object", () => {
    traceToolCall({ tool: "sum", arguments: [1, 2], captureContent: true }, () => 3);

    expect(recording.spans()[0]?.attributes).toMatchObject({
      "gen_ai.tool.call.arguments": '{"input":[1,2]}',
      "gen_ai.tool.call.result": '{"result":3}',
    });
  });
});

describe("without content, facts", () => {
  it("are all there", () => {
    useEverything(false);

    const facts = recording
      .spans()
      .flatMap(({ attributes }) => Object.entries(attributes))
      .filter(([key]) => key.startsWith("waybill.") || key.endsWith(".count"));
    expect(Object.fromEntries(facts)).toEqual({
      "waybill.tool.input_bytes": 18,
      "waybill.tool.input_keys": ["id"],
      "waybill.tool.output_bytes": 6,
      "gen_ai.memory.record.count": 1,
      "waybill.decision.type": "route",
      "waybill.decision.option_count": 1,
      "waybill.decision.chosen": "refund",
      "waybill.iteration": 1,
    });
  });
});

describe("a span that is not recorded", () => {
  it("touches nothing of what it is given, though content is on", async () => {
    await recording.stop();
    configureWaybill({ captureContent: true });
    recording = startRecording({
      sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }) },
    });
    const touched: (string | symbol)[] = [];
    const watched = new Proxy(
      { id: 1 },
      {
        get: (target, key) => {
          touched.push(key);
          return Reflect.get(target, key) as unknown;
        },
        ownKeys: (target) => {
          touched.push("its keys");
          return Reflect.ownKeys(target);
        },
      },
    );
    const read = () => {
      touched.push("a function");
      return [watched];
    };

    traceToolCall({ tool: "look_up", arguments: watched }, (span) => span.recordResult(read));
    traceLlmCall({ provider: "openai" }, (span) => {
      span.recordInput(() => ({ messages: read() }));
      span.recordResponse({ output: watched });
    });
    traceMemoryOperation({ operation: "search_memory" }, (span) => span.recordRecords([watched]));
    traceDecision({ type: "route", options: [watched] }, () => {});
    traceAgentRun({}, (span) => span.recordInput(read));

    expect(touched).toEqual([]);
    expect(recording.spans()).toEqual([]);
  });
});
