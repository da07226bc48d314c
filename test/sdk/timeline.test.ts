import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { withSpan } from "@waybill/core";
import { startTracing } from "@waybill/sdk";
import type { StartTracingOptions } from "@waybill/sdk";
import { afterEach, describe, expect, it, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("the timeline", () => {
  it("is drawn on stderr, at most as wide as the terminal", async () => {
    const drawn = await drawnOnStderr({ isTTY: true, columns: 60 }, {});

    expect(Math.max(...drawn.split("\n").map(({ length }) => length))).toBe(60);
  });

  it.each<[string, number | undefined, number]>([
    ["is 100 columns wide if the terminal does not know its width", undefined, 100],
    ["is 100 columns wide if the terminal says 0", 0, 100],
    ["is 40 columns wide if the terminal is narrower", 20, 40],
  ])("%s", async (_, columns, width) => {
    const drawn = await drawnOnStderr({ isTTY: true, columns }, {});

    expect(Math.max(...drawn.split("\n").map(({ length }) => length))).toBe(width);
  });

  it("is not drawn where stderr is no terminal, in production, or if it is not wanted", async () => {
    expect(await drawnOnStderr({ isTTY: false }, {})).toBe("");
    expect(await drawnOnStderr({ isTTY: true }, { timeline: false })).toBe("");
    vi.stubEnv("NODE_ENV", "production");
    expect(await drawnOnStderr({ isTTY: true }, {})).toBe("");
    expect(await drawnOnStderr({ isTTY: false }, { timeline: true })).toContain("work");
  });

  it("does not end a process whose stderr nobody reads any more", async () => {
    const program = `
      import { withSpan } from "@waybill/core";
      import { startTracing } from "@waybill/sdk";
      process.stdin.resume();
      await new Promise((resolve) => process.stdin.once("end", resolve));
      const tracing = startTracing({ serviceName: "test", timeline: true });
      for (const name of ["a", "b", "c"]) {
        withSpan(name, () => {});
        await tracing.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await tracing.shutdown();
      console.log("went on");`;
    const child = spawn(
      process.execPath,
      ["--conditions=@waybill/source", "--input-type=module", "--eval", program],
      { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] },
    );
    child.stderr.destroy();
    child.stdin.end();
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);

    expect([printed, code]).toEqual(["went on\n", 0]);
  });
});

/** What a trace with an empty span draws on stderr, without colours. */
async function drawnOnStderr(
  terminal: { readonly isTTY: boolean; readonly columns?: number | undefined },
  options: Partial<StartTracingOptions>,
): Promise<string> {
  vi.stubEnv("NO_COLOR", "1");
  const given = new Proxy(process.stderr, {
    get: (stderr, key) =>
      key in terminal ? Reflect.get(terminal, key) : (Reflect.get(stderr, key) as unknown),
  });
  let drawn = "";
  vi.spyOn(process, "stderr", "get").mockReturnValue(given);
  vi.spyOn(given, "write").mockImplementation((chunk) => {
    drawn += String(chunk);
    return true;
  });

  const tracing = startTracing({ serviceName: "test", ...options });
  withSpan("work", () => {});
  await tracing.shutdown();
  vi.restoreAllMocks();
  return drawn;
}
