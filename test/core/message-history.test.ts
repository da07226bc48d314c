import {
  configureWaybill,
  traceAgentRun,
  traceIteration,
  traceLlmCall,
  traceToolCall,
} from "@waybill/core";
import type { LlmCallOptions, LlmInput } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
  configureWaybill({ captureContent: true });
});
afterEach(async () => {
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

interface Message {
  readonly role: string;
  readonly parts: readonly { readonly type: "text"; readonly content: string }[];
}

function message(content: string, role = "user"): Message {
  return { role, parts: [{ type: "text", content }] };
}

const SYSTEM = [{ type: "text", content: "You help." }];
const [A, B, C, D] = ["a", "b", "c", "d"].map((content) => message(content)) as [
  Message,
  Message,
  Message,
  Message,
];

function call<M>(input: LlmInput<M>, options: Partial<LlmCallOptions> = {}): void {
  traceLlmCall({ provider: "openai", ...options }, (span) => span.recordInput(() => input));
}

/** Of each model call, in their order: the texts of the recorded messages, with the index of the first of them. */
function recorded(): string[] {
  return recording.spans().flatMap(({ name, attributes }) => {
    if (name !== "chat") return [];
    const {
      "gen_ai.input.messages": messages = "[]",
      "gen_ai.system_instructions": system,
      "waybill.content.first_message": first,
    } = attributes;
    const texts = (JSON.parse(String(messages)) as Message[]).map(({ parts }) => parts[0]?.content);
    const before = typeof first === "number" ? `${first}:` : "";
    return [`${system === undefined ? "" : "system "}${before}${texts.join("")}`];
  });
}

function agentRun(fn: () => void): void {
  traceAgentRun({ agent: { name: "helper" } }, fn);
}

describe("the input of an agent run's model calls", () => {
  it("is recorded once: a later call has only the messages that are new", () => {
    agentRun(() => {
      call({ messages: [A], system: SYSTEM });
      call({ messages: [A, B, C], system: SYSTEM });
      call({ messages: [A, B, C, D], system: SYSTEM });
    });

    expect(recorded()).toEqual(["system a", "1:bc", "3:d"]);
  });

  it("is known again when the messages are other objects, or their converter gives others", () => {
    const toMessage = vi.fn((text: string) => message(text));
    agentRun(() => {
      call({ messages: ["a", "b"], toMessage });
      call({ messages: ["a", "b", "c"], toMessage });
    });

    expect(recorded()).toEqual(["ab", "2:c"]);
    expect(toMessage.mock.calls).toEqual([["a"], ["b"], ["c"]]);
  });

  it("is told apart by what the adapter calls its key", () => {
    const withId = (id: number): Message => Object.assign({ id }, A);
    const keyOf = ({ role, parts }: Message): unknown => [role, parts];
    agentRun(() => {
      call({ messages: [withId(1)], keyOf });
      call({ messages: [withId(2), B], keyOf });
      call({ messages: [withId(3), B, C] });
    });

    expect(recorded()).toEqual(["a", "1:b", "abc"]);
  });

  it("says so if nothing is new, as in a further attempt", () => {
    agentRun(() => {
      call({ messages: [A, B] });
      call({ messages: [A, B] }, { attempt: 2 });
    });

    expect(recorded()).toEqual(["ab", "2:"]);
    expect(recording.spans()[2]?.attributes).not.toHaveProperty("gen_ai.input.messages");
  });

  it.each([
    ["they were compacted", [message("a, b and c in short"), D], "a, b and c in shortd"],
    ["the first ones were trimmed", [B, C, D], "bcd"],
    ["the last one was taken back", [A, B], "ab"],
    ["one was changed", [A, message("B"), C, D], "aBcd"],
    ["one has another role", [A, message("b", "assistant"), C, D], "abcd"],
    ["it is another conversation", [D, C, B, A], "dcba"],
    ["there are none", [], ""],
  ])("is recorded whole, with its instructions, if %s", (_title, messages, expected) => {
    agentRun(() => {
      call({ messages: [A, B, C], system: SYSTEM });
      call({ messages, system: SYSTEM });
    });

    expect(recorded()).toEqual(["system abc", `system ${expected}`]);
  });

  it("has the instructions again when they have changed", () => {
    agentRun(() => {
      call({ messages: [A], system: SYSTEM });
      call({ messages: [A, B], system: [{ type: "text", content: "You help a lot." }] });
      call({ messages: [A, B, C], system: [{ type: "text", content: "You help a lot." }] });
    });

    expect(recorded()).toEqual(["system a", "system 1:b", "2:c"]);
  });

  it("is followed through the spans between, and apart in each run and each tool call", () => {
    agentRun(() => {
      traceIteration({ iteration: 1 }, () => call({ messages: [A] }));
      traceToolCall({ tool: "ask" }, () => {
        call({ messages: [A] });
        agentRun(() => call({ messages: [A] }));
        call({ messages: [A, B] });
      });
      traceIteration({ iteration: 2 }, () => call({ messages: [A, B] }));
    });
    agentRun(() => call({ messages: [A, B] }));

    expect(recorded()).toEqual(["a", "a", "a", "1:b", "1:b", "ab"]);
  });

  it("is recorded whole outside of a run, and where that was asked for", () => {
    call({ messages: [A] });
    call({ messages: [A, B] });
    agentRun(() => {
      call({ messages: [A], system: SYSTEM }, { history: "full" });
      call({ messages: [A, B], system: SYSTEM }, { history: "full" });
    });
    configureWaybill({ history: "full" });
    agentRun(() => {
      call({ messages: [A] });
      call({ messages: [A, B] });
      call({ messages: [A, B, C] }, { history: "new" });
      call({ messages: [A, B, C, D] }, { history: "new" });
    });

    expect(recorded()).toEqual(["a", "ab", "system a", "system ab", "a", "ab", "abc", "3:d"]);
  });

  it("is recorded whole if its messages cannot be compared", () => {
    const hostile = Object.defineProperty({ ...B }, "role", {
      enumerable: true,
      get() {
        throw new Error("no role");
      },
    });
    agentRun(() => {
      call({ messages: [A] });
      call({ messages: [A, hostile] });
      call({ messages: [A, B] });
    });

    expect(recorded()).toEqual(["a", "ab", "1:b"]);
  });

  it("is recorded whole where it was not recorded before, and so are the instructions", () => {
    agentRun(() => {
      call({ messages: [A], system: SYSTEM }, { captureContent: { system: true } });
      call({ messages: [A, B], system: SYSTEM }, { captureContent: true });
      call({ messages: [A, B, C], system: SYSTEM }, { captureContent: { system: true } });
      call({ messages: [A, B, C, D], system: SYSTEM }, { captureContent: true });
    });
    agentRun(() => {
      call({ messages: [A], system: SYSTEM }, { captureContent: { input: true } });
      call({ messages: [A, B], system: SYSTEM }, { captureContent: true });
      call({ messages: [A, B, C], system: SYSTEM }, { captureContent: true });
    });

    expect(recorded()).toEqual([
      "system ",
      "system ab",
      "",
      "system abcd",
      "a",
      "system 1:b",
      "2:c",
    ]);
  });

  it("is followed in four conversations of a run at once", () => {
    const [w, x, y, z] = ["w", "x", "y", "z"].map((text) => message(text)) as [
      Message,
      Message,
      Message,
      Message,
    ];
    agentRun(() => {
      for (const first of [w, x, y, z]) call({ messages: [first] });
      for (const first of [w, x, y, z]) call({ messages: [first, A] });
      call({ messages: [B] });
      call({ messages: [x, A, C] });
      call({ messages: [w, A, C] });
    });

    expect(recorded()).toEqual(["w", "x", "y", "z", "1:a", "1:a", "1:a", "1:a", "b", "2:c", "wac"]);
    expect(
      recording.spans().map(({ attributes }) => attributes["waybill.content.conversation"]),
    ).toEqual([undefined, undefined, 2, 3, 4, undefined, 2, 3, 4, 5, 2, 6]);
  });

  it.each<[string, (seed: number) => unknown]>([
    ["dates", (seed) => ({ at: new Date(seed) })],
    ["big integers", (seed) => ({ id: BigInt(seed) })],
    ["bytes", (seed) => ({ data: new Uint8Array(100).fill(seed) })],
    ["buffers", (seed) => ({ data: new Uint8Array(100).fill(seed).buffer })],
    ["URLs", (seed) => ({ url: new URL(`https://example.com/${seed}`) })],
    [
      "what `toJSON` gives",
      (seed) =>
        new (class {
          readonly #text = `text ${seed}`;
          toJSON(): object {
            return { role: "user", text: this.#text };
          }
        })(),
    ],
  ])("is compared by %s, too", (_title, make) => {
    agentRun(() => {
      call({ messages: [make(1)], toMessage: () => A });
      call({ messages: [make(1), make(2)], toMessage: () => B });
      call({ messages: [make(1), make(3), make(4)], toMessage: () => C });
    });

    expect(recorded()).toEqual(["a", "1:b", "ccc"]);
  });

  it("is recorded whole where nothing can be seen of a message", () => {
    class Hidden {
      readonly #text = "hidden";
      get text(): string {
        return this.#text;
      }
    }
    const toMessage = ({ text }: Hidden): Message => message(text);
    agentRun(() => {
      call({ messages: [new Hidden()], toMessage });
      call({ messages: [new Hidden(), new Hidden()], toMessage });
    });

    expect(recorded()).toEqual(["hidden", "hiddenhidden"]);
  });

  it("is not compared where it is not recorded", () => {
    const keyOf = vi.fn();
    configureWaybill({ captureContent: { output: true } });
    agentRun(() => call({ messages: [A], keyOf }));

    expect(keyOf).not.toHaveBeenCalled();
    expect(recorded()).toEqual([""]);
  });

  it("is recorded by the first who tells, once", () => {
    agentRun(() => {
      traceLlmCall({ provider: "openai" }, (span) => {
        span.recordInput(() => ({ messages: [A] }));
        traceLlmCall({ provider: "openai" }, (inner) => {
          inner.recordInput(() => ({ messages: [B, C] }));
        });
      });
      call({ messages: [A, D] });
    });

    expect(recorded()).toEqual(["a", "1:d"]);
  });
});

it("tells the whole input of every call, together with the one before in its conversation", () => {
  const texts = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 6 });
  const next = fc.record({ kept: fc.nat(6), added: texts });
  fc.assert(
    fc.property(fc.array(next, { maxLength: 8 }), (calls) => {
      const before = recording.spans().length;
      const given: string[][] = [[]];
      agentRun(() => {
        for (const { kept, added } of calls) {
          given.push([...(given.at(-1) ?? []).slice(0, kept), ...added]);
          call({ messages: (given.at(-1) ?? []).map((content) => message(content)) });
        }
      });

      const told: string[] = [""];
      const conversations = new Map<unknown, string>();
      for (const { attributes } of recording.spans().slice(before)) {
        if (attributes["gen_ai.operation.name"] !== "chat") continue;
        const first = Number(attributes["waybill.content.first_message"] ?? 0);
        const conversation = attributes["waybill.content.conversation"] ?? 1;
        const { "gen_ai.input.messages": content = "[]" } = attributes;
        const messages = JSON.parse(String(content)) as Message[];
        const added = messages.map(({ parts }) => parts[0]?.content ?? "").join("");
        const whole = (conversations.get(conversation) ?? "").slice(0, first) + added;
        if (whole !== "") conversations.set(conversation, whole);
        told.push(whole);
      }
      expect(told).toEqual(given.map((list) => list.join("")));
    }),
    { numRuns: 200 },
  );
});

describe("the cost of an agent run of many steps", () => {
  it("is linear: each message is converted and recorded once", () => {
    const steps = 200;
    const toMessage = vi.fn((text: string) => message(text));
    const messages: string[] = [];
    agentRun(() => {
      for (let step = 0; step < steps; step += 1) {
        messages.push(`question ${step}`, `answer ${step}`);
        call({ messages: [...messages], toMessage });
      }
    });

    expect(toMessage).toHaveBeenCalledTimes(2 * steps);
    const bytes = recording
      .spans()
      .map(({ attributes }) => JSON.stringify(attributes["gen_ai.input.messages"] ?? "").length);
    expect(Math.max(...bytes)).toBeLessThan(200);
  });

  it("is linear with calls of another model between", () => {
    const messages: Message[] = [];
    agentRun(() => {
      for (let step = 0; step < 100; step += 1) {
        messages.push(message(`question ${step}`));
        call({ messages: [message(`is question ${step} safe?`)] });
        call({ messages: [...messages] });
      }
    });

    const bytes = recording
      .spans()
      .map(({ attributes }) => JSON.stringify(attributes["gen_ai.input.messages"] ?? "").length);
    expect(Math.max(...bytes)).toBeLessThan(200);
  });

  it("does not depend on the size of a message", () => {
    let read = 0;
    const counting = <T extends object>(value: T): T =>
      new Proxy(value, {
        get(target, key) {
          read += 1;
          return Reflect.get(target, key) as unknown;
        },
      });
    const large = counting({
      role: "user",
      list: counting(Array.from({ length: 100_000 }, (_, index) => counting({ index }))),
      text: "x".repeat(1_000_000),
      wide: counting(
        Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, index])),
      ),
    });

    agentRun(() => {
      call({ messages: [large, A], toMessage: () => A });
      read = 0;
      call({ messages: [large, A, B], toMessage: () => B });
    });
    expect(read).toBeLessThan(200);
    expect(recorded()).toEqual(["aa", "2:b"]);
  });

  it("converts no more of a long history than fits", () => {
    const toMessage = vi.fn((text: string) => message(text));
    configureWaybill({ maxAttributeBytes: 1000 });
    call({ messages: Array.from({ length: 10_000 }, (_, index) => `message ${index}`), toMessage });

    expect(toMessage.mock.calls.length).toBeLessThan(30);
    expect(recording.spans()[0]?.attributes["gen_ai.input.messages"]).toMatch(/\[\d+ more\]"\]$/);
  });
});
