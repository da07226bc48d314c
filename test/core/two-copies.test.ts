import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { context } from "@opentelemetry/api";
import * as one from "@waybill/core";
import type * as oneHttp from "@waybill/core/http";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

// Inside the repository, so that the copy finds OpenTelemetry's API.
const FOLDER = fileURLToPath(new URL(".second-copy/", import.meta.url));

let other: typeof one & typeof oneHttp;
beforeAll(async () => {
  const { output } = (await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@waybill/source"] },
    build: {
      write: false,
      minify: false,
      rolldownOptions: {
        input: fileURLToPath(new URL("./fixtures/whole-core.ts", import.meta.url)),
        external: ["@opentelemetry/api"],
        preserveEntrySignatures: "strict",
      },
    },
  })) as unknown as { output: readonly { code: string }[] };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}core.js`, output[0]?.code ?? "");
  other = (await import(/* @vite-ignore */ pathToFileURL(`${FOLDER}core.js`).href)) as typeof other;
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  one.configureWaybill({ captureContent: false });
  await recording.stop();
});

describe("two copies of core in one process", () => {
  it("are two", () => {
    expect(other.withSpan).not.toBe(one.withSpan);
  });

  it("share the request, and the identity that either of them sets", () => {
    const request = new other.RequestTracer({}).start({
      request: undefined,
      describe: () => ({
        method: "GET",
        scheme: "http",
        path: "/",
        query: "",
        header: () => undefined,
      }),
    });
    context.with(request.context, () => {
      one.setIdentity({ userId: "ada" });
      other.withSpan("theirs", () => one.withSpan("ours", () => {}));
      other.withIdentity({ sessionId: "s-1" }, () => {
        expect(one.currentIdentity()).toEqual({ userId: "ada", sessionId: "s-1" });
      });
    });
    request.end({ statusCode: 200 }, undefined);

    for (const name of ["GET", "theirs", "ours"]) {
      expect(spanNamed(recording.spans(), name).attributes["user.id"]).toBe("ada");
    }
  });

  it("share their settings", () => {
    other.configureWaybill({ captureContent: true });
    one.traceToolCall({ tool: "look_up", arguments: { id: "A-1" } }, () => {});

    expect(
      spanNamed(recording.spans(), "execute_tool look_up").attributes["gen_ai.tool.call.arguments"],
    ).toBe('{"id":"A-1"}');
  });

  it("make one span of one call, describe an error once, and end what the other one left open", async () => {
    const error = new Error("no");
    const failure = one.traceLlmCall({ provider: "openai", model: "gpt-5" }, () =>
      other.traceLlmCall({ provider: "openai", model: "gpt-5" }, async (span) => {
        span.recordResponse({ usage: { inputTokens: 3, outputTokens: 1 } });
        return other.withSpan("inner", () => {
          throw error;
        });
      }),
    );
    await expect(failure).rejects.toBe(error);
    one.startSpan("lost");
    expect(other.flushOpen()).toBe(1);

    expect(spanTree(recording.spans())).toBe(`
chat gpt-5 error: Error
  inner error: Error
lost abandoned
`);
    const chat = spanNamed(recording.spans(), "chat gpt-5");
    expect(chat.attributes["gen_ai.usage.input_tokens"]).toBe(3);
    expect(chat.events).toEqual([]);
  });
});
