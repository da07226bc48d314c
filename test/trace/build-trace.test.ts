import { buildTrace } from "@waybill/trace";
import type { Span, SpanNode } from "@waybill/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { agentTrace } from "./agent-trace.ts";
import { EPOCH_NS, plainSpan, spanIdOf, TRACE_ID } from "./plain-span.ts";

describe("the tree", () => {
  it("hangs each span below its parent, in the order of their start, in whatever order they come", () => {
    const request = plainSpan("request", { endMs: 10 });
    const agent = plainSpan("agent", { parent: request, startMs: 1 });
    const first = plainSpan("first", { parent: agent, startMs: 2 });
    const second = plainSpan("second", { parent: agent, startMs: 3 });
    const trace = buildTrace([second, agent, first, request]);

    expect(outline(trace.roots)).toBe(`
request
  agent
    first
    second
`);
    expect(trace.spans).toEqual([request, agent, first, second]);
  });

  it("keeps the given order of spans that start together, but a parent before its children", () => {
    const leaf = plainSpan("leaf", { parentSpanId: spanIdOf("branch") });
    const branch = plainSpan("branch", { parentSpanId: spanIdOf("root") });
    const other = plainSpan("other", { parentSpanId: spanIdOf("root") });
    const root = plainSpan("root");

    expect(names(buildTrace([leaf, other, branch, root]).spans)).toEqual([
      "root",
      "other",
      "branch",
      "leaf",
    ]);
  });

  it("makes a span whose parent is missing a root", () => {
    const orphan = plainSpan("orphan", { parentSpanId: "f".repeat(16), startMs: 1 });
    const child = plainSpan("child", { parent: orphan, startMs: 2 });
    const trace = buildTrace([child, orphan, plainSpan("root")]);

    expect(outline(trace.roots)).toBe(`
root
orphan
  child
`);
    expect(trace.complete).toBe(false);
  });

  it("cuts a circle of parents at its earliest span, and leaves what hangs on it where it is", () => {
    const early = plainSpan("early", { parentSpanId: spanIdOf("a"), startMs: 0 });
    const c = plainSpan("c", { parentSpanId: spanIdOf("b"), startMs: 3 });
    const b = plainSpan("b", { parentSpanId: spanIdOf("a"), startMs: 2 });
    const a = plainSpan("a", { parentSpanId: spanIdOf("c"), startMs: 1 });

    expect(outline(buildTrace([early, c, b, a]).roots)).toBe(`
a
  early
  b
    c
`);
  });

  it("makes a span that is its own parent a root", () => {
    const self = plainSpan("self", { parentSpanId: spanIdOf("self") });

    expect(outline(buildTrace([self]).roots)).toBe("\nself\n");
  });

  it("keeps spans with the same id, and hangs children below the earliest", () => {
    const root = plainSpan("root");
    const late = plainSpan("late", { parent: root, spanId: "1".repeat(16), startMs: 2 });
    const early = plainSpan("early", { parent: root, spanId: "1".repeat(16), startMs: 1 });
    const child = plainSpan("child", { parent: late, startMs: 3 });
    const trace = buildTrace([root, late, early, child]);

    expect(outline(trace.roots)).toBe(`
root
  early
    child
  late
`);
    expect(trace.spans).toHaveLength(4);
  });

  it("holds a chain of 10,000 spans", () => {
    const chain = [plainSpan("0", { spanId: idOf(0) })];
    for (let level = 1; level < 10_000; level += 1) {
      chain.push(
        plainSpan(String(level), {
          spanId: idOf(level),
          parentSpanId: idOf(level - 1),
          startMs: level,
        }),
      );
    }
    const trace = buildTrace(chain.toReversed());

    let depth = 0;
    for (let node = trace.roots[0]; node !== undefined; node = node.children[0]) depth += 1;
    expect(depth).toBe(10_000);
    expect(trace.spans).toEqual(chain);
  });

  it("holds 150,000 children of one span", () => {
    const root = plainSpan("root");
    const children = Array.from({ length: 150_000 }, (_, index) =>
      plainSpan("child", { parent: root, spanId: idOf(index) }),
    );

    expect(buildTrace([root, ...children]).roots[0]?.children).toHaveLength(150_000);
  });

  it("loses no span, has each parent before its children and never throws, whatever the parents are", () => {
    const spans = fc.array(
      fc.record({
        id: fc.nat(12),
        parent: fc.option(fc.nat(15), { nil: undefined }),
        startMs: fc.nat(5),
        lastsMs: fc.option(fc.integer({ min: -3, max: 10 }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 40 },
    );

    fc.assert(
      fc.property(spans, (drawn) => {
        const given = drawn.map(({ id, parent, startMs, lastsMs }, index) =>
          plainSpan(`span ${index}`, {
            spanId: idOf(id),
            ...(parent !== undefined && { parentSpanId: idOf(parent) }),
            startMs,
            endMs: lastsMs === undefined ? undefined : startMs + lastsMs,
          }),
        );
        const trace = buildTrace(given);

        const inTree = flat(trace.roots);
        expect(new Set(trace.spans)).toEqual(new Set(given));
        expect(trace.spans).toHaveLength(given.length);
        expect(new Set(inTree.map(({ span }) => span))).toEqual(new Set(given));
        expect(inTree).toHaveLength(given.length);
        for (const { span, children } of inTree) {
          for (const child of children) {
            expect(child.span.parentSpanId).toBe(span.spanId);
            const inOrder = trace.spans.indexOf(span) < trace.spans.indexOf(child.span);
            expect(inOrder || child.span.startNs < span.startNs).toBe(true);
          }
          expect(children.map(({ span: { startNs } }) => startNs)).toEqual(
            sorted(children.map(({ span: { startNs } }) => startNs)),
          );
        }
        const starts = trace.spans.map(({ startNs }) => startNs);
        expect(starts).toEqual(sorted(starts));
      }),
    );
  });
});

describe("the whole trace", () => {
  it("lasts from the earliest start to the latest end, also when a child outlives its parent", () => {
    const root = plainSpan("root", { startMs: 5, endMs: 10 });
    const trace = buildTrace([root, plainSpan("late", { parent: root, startMs: 9, endMs: 25 })]);

    expect(trace.traceId).toBe(TRACE_ID);
    expect(trace.startNs).toBe(EPOCH_NS + 5_000_000n);
    expect(trace.endNs).toBe(EPOCH_NS + 25_000_000n);
    expect(trace.durationNs).toBe(20_000_000n);
  });

  it("lasts no less than nothing when clocks disagree", () => {
    expect(buildTrace([plainSpan("skewed", { startMs: 5, endMs: 1 })]).durationNs).toBe(0n);
  });

  it("names the services in the order in which they joined", () => {
    const front = plainSpan("front", { resource: { "service.name": "shop" } });
    const back = plainSpan("back", { resource: { "service.name": "billing" }, startMs: 1 });
    const nameless = plainSpan("nameless", { resource: {}, startMs: 2 });

    expect(buildTrace([nameless, back, front, back]).serviceNames).toEqual(["shop", "billing"]);
  });

  it("says whose it is, by the earliest span that knows, and which agents worked on it", () => {
    const spans = [
      plainSpan("request"),
      plainSpan("outer", {
        startMs: 1,
        attributes: { "user.id": "ada", "session.id": "s-1", "gen_ai.agent.name": "support-bot" },
      }),
      plainSpan("inner", {
        startMs: 2,
        attributes: {
          "user.id": "eve",
          "gen_ai.agent.name": "summarizer",
          "gen_ai.conversation.id": "c-1",
        },
      }),
      plainSpan("again", { startMs: 3, attributes: { "gen_ai.agent.name": "support-bot" } }),
    ];

    expect(buildTrace(spans).identity).toEqual({
      userId: "ada",
      sessionId: "s-1",
      conversationId: "c-1",
      agentNames: ["support-bot", "summarizer"],
    });
    expect(buildTrace([plainSpan("request")]).identity).toEqual({ agentNames: [] });
  });

  it("counts the tokens of model calls, and not those that an agent's span repeats", () => {
    expect(agentTrace().usage).toEqual({
      inputTokens: 3935,
      outputTokens: 283,
      cacheReadTokens: 1024,
      cacheWriteTokens: 0,
      reasoningTokens: 64,
    });
  });

  it.each(["chat", "generate_content", "text_completion", "embeddings"])(
    "counts `%s` as a model call",
    (operation) => {
      const call = plainSpan("call", {
        attributes: { "gen_ai.operation.name": operation, "gen_ai.usage.input_tokens": 7 },
      });

      expect(buildTrace([call]).usage.inputTokens).toBe(7);
    },
  );

  it.each(["invoke_agent", "execute_tool", "retrieval", undefined])(
    "does not count `%s` as a model call",
    (operation) => {
      const attributes = { "gen_ai.usage.input_tokens": 7 };
      const span = plainSpan("span", {
        attributes: operation ? { ...attributes, "gen_ai.operation.name": operation } : attributes,
      });

      expect(buildTrace([span]).usage.inputTokens).toBe(0);
    },
  );

  it("counts what was written to the cache once, under its old and its new name", () => {
    const call = plainSpan("call", {
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.cache_write.input_tokens": 5,
        "gen_ai.usage.cache_creation.input_tokens": 5,
      },
    });
    const older = plainSpan("older", {
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.cache_creation.input_tokens": 3,
      },
    });

    expect(buildTrace([call, older]).usage.cacheWriteTokens).toBe(8);
  });

  it("takes no nonsense for tokens", () => {
    const nonsense = ["12", null, Number.NaN, -1, Number.POSITIVE_INFINITY, [1]].map(
      (value, index) =>
        plainSpan(`call ${index}`, {
          attributes: { "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": value },
        }),
    );

    expect(buildTrace(nonsense).usage.inputTokens).toBe(0);
  });

  it("counts the spans that failed", () => {
    expect(agentTrace().errorCount).toBe(3);
  });

  it("is not complete when spans were dropped, and says how many", () => {
    const spans = [plainSpan("root")];

    expect(buildTrace(spans)).toMatchObject({ droppedSpans: 0, complete: true });
    expect(buildTrace(spans, { droppedSpans: 3 })).toMatchObject({
      droppedSpans: 3,
      complete: false,
    });
  });

  it("is complete when every span has ended and no parent is missing but a remote one", () => {
    const remote = { parentSpanId: "f".repeat(16), parentIsRemote: true };
    const ended = plainSpan("ended", remote);

    expect(buildTrace([ended]).complete).toBe(true);
    expect(buildTrace([ended, plainSpan("running", { endMs: undefined })]).complete).toBe(false);
    expect(buildTrace([plainSpan("orphan", { ...remote, parentIsRemote: false })]).complete).toBe(
      false,
    );
  });

  it("does not change what it is given", () => {
    const spans = [plainSpan("late", { startMs: 5 }), plainSpan("early")];
    buildTrace(Object.freeze(spans));

    expect(names(spans)).toEqual(["late", "early"]);
  });

  it("refuses spans of several traces, naming both, and no spans at all", () => {
    const stranger = plainSpan("stranger", { traceId: "a".repeat(32) });

    expect(() => buildTrace([plainSpan("one"), stranger])).toThrow(
      new TypeError(
        `the spans of a trace must have one trace id, got ${TRACE_ID} and ${"a".repeat(32)}`,
      ),
    );
    expect(() => buildTrace([])).toThrow(
      new TypeError("a trace needs at least one span, got none"),
    );
  });
});

function idOf(index: number): string {
  return index.toString(16).padStart(16, "0");
}

function names(spans: readonly Span[]): string[] {
  return spans.map(({ name }) => name);
}

function sorted(values: readonly bigint[]): bigint[] {
  return values.toSorted((a, b) => Number(a - b));
}

function flat(roots: readonly SpanNode[]): SpanNode[] {
  return roots.flatMap((node) => [node, ...flat(node.children)]);
}

function outline(roots: readonly SpanNode[], indent = ""): string {
  const lines = roots.map(
    ({ span, children }) => `${indent}${span.name}\n${outline(children, `${indent}  `)}`,
  );
  return indent === "" ? `\n${lines.join("")}` : lines.join("");
}
