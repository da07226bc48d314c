import { AsyncLocalStorage } from "node:async_hooks";

import { RunnableLambda } from "@langchain/core/runnables";
import { context, diag, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Context, ContextManager } from "@opentelemetry/api";
import { withSpan } from "@waybill/core";
import { AsyncLocalStorageContextManager } from "@waybill/core/otel";
import { TraceCallbackHandler } from "@waybill/langchain";
import { createAgent, tool } from "langchain";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MockInstance } from "vitest";
import { z } from "zod";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanTree } from "../support/span-tree.ts";
import { query } from "./database.ts";
import { ToolCallingModel } from "./fake-model.ts";

let recording: Recording;
let warn: MockInstance<typeof diag.warn>;
beforeEach(() => {
  recording = startRecording();
  context.disable();
  warn = vi.spyOn(diag, "warn").mockImplementation(() => {});
});
afterEach(async () => {
  warn.mockRestore();
  await recording.stop();
});

/** A context manager of the simplest kind: it knows scopes, and no way to attach a context without one. */
class ScopedContextManager implements ContextManager {
  protected readonly storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    scope: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.storage.run(scope, () => Reflect.apply(fn, thisArg, args));
  }

  bind<T>(_scope: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.storage.disable();
    return this;
  }
}

/** OpenTelemetry's own manager before `attach`: it keeps its storage under this name. */
class OlderContextManager extends ScopedContextManager {
  readonly _asyncLocalStorage = this.storage;
}

class ThrowingContextManager extends ScopedContextManager {
  attach(): never {
    throw new Error("not implemented");
  }
}

class ForgettingContextManager extends ScopedContextManager {
  attach(): { dispose: () => void } {
    return { dispose: () => {} };
  }
}

async function runAgent(handler: TraceCallbackHandler): Promise<string> {
  const tools = [tool(query, { name: "work", schema: z.object({}) })];
  const agent = createAgent({ name: "desk", model: new ToolCallingModel("work"), tools });
  await agent.invoke({ messages: "Go" }, { callbacks: [handler] });
  return spanTree(recording.spans());
}

const NESTED = `
invoke_agent desk
  chat
  execute_tool work
    SELECT before
    SELECT after
  chat
`;
const SPANS_ONLY = `
invoke_agent desk
  chat
  execute_tool work
  chat
SELECT before
SELECT after
`;

function warnings(): string[] {
  return warn.mock.calls.map(([message]) => message);
}

describe("a context manager that can attach a context", () => {
  it.each([
    ["core's", () => new AsyncLocalStorageContextManager()],
    ["OpenTelemetry's of API 1.9", () => new OlderContextManager()],
  ])("has the code in a tool see the tool's span: %s", async (_whose, manager) => {
    context.setGlobalContextManager(manager());

    expect(await runAgent(new TraceCallbackHandler())).toBe(NESTED);
    expect(warnings()).toEqual([]);
  });

  it("does so from the second run on if it was registered after the handler was made", async () => {
    const handler = new TraceCallbackHandler();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());

    const first = RunnableLambda.from((text: string) => text);
    await first.invoke("x", { callbacks: [handler], runName: "first" });
    expect(await runAgent(handler)).toBe(`\nfirst${NESTED}`);
    expect(warnings()).toEqual([]);
  });
});

describe("without a way to attach a context", () => {
  it.each<[string, () => ContextManager | undefined, string]>([
    ["no manager", () => undefined, "no context manager is registered"],
    ["a manager that has none", () => new ScopedContextManager(), "has no `attach`"],
    [
      "a runtime that forgets what was attached",
      () => new ForgettingContextManager(),
      "does not keep an attached context",
    ],
  ])("all spans nest, and `diag` is told once: %s", async (_case, manager, reason) => {
    const registered = manager();
    if (registered !== undefined) context.setGlobalContextManager(registered);
    const handler = new TraceCallbackHandler();

    expect(await runAgent(handler)).toBe(SPANS_ONLY);
    await runAgent(handler);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain(reason);
  });

  it("because it throws, all spans nest, and `diag` is told why", async () => {
    context.setGlobalContextManager(new ThrowingContextManager());

    expect(await runAgent(new TraceCallbackHandler())).toBe(SPANS_ONLY);
    expect(warnings()[0]).toBe("waybill: a context could not be attached");
  });

  it("the tree still begins below the caller's span", async () => {
    context.setGlobalContextManager(new ScopedContextManager());

    await withSpan("caller", () => runAgent(new TraceCallbackHandler()));
    expect(spanTree(recording.spans())).toBe(`
caller
  invoke_agent desk
    chat
    execute_tool work
    chat
  SELECT before
  SELECT after
`);
  });

  it("nothing is missed, and nothing reported, with `activate: off`", async () => {
    expect(await runAgent(new TraceCallbackHandler({ activate: "off" }))).toBe(SPANS_ONLY);
    expect(warnings()).toEqual([]);
  });
});
