import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DEMO = "examples/support-desk/demo.ts";

describe("the demo", { timeout: 60_000 }, () => {
  it("prints every trace when its output is piped, without colours and 110 columns wide", async () => {
    const stdout = await demo();

    expect(stdout.match(/^POST \/chat · support-desk/gm)).toHaveLength(5);
    expect(stdout).not.toContain("\u001b");
    expect(widest(stdout)).toBe(110);
  });

  it("draws as wide as the terminal, down to 40 columns", async () => {
    const narrow = { isTTY: true, columns: 40 };
    const stdout = await demo({ NO_COLOR: "1" }, [
      `--import=data:text/javascript,Object.assign(process.stdout,${JSON.stringify(narrow)})`,
    ]);

    expect(stdout.match(/^POST \/chat · support-desk/gm)).toHaveLength(5);
    expect(widest(stdout)).toBe(40);
  });

  it("says that nothing is traced where OpenTelemetry is switched off, and succeeds", async () => {
    const stdout = await demo({ OTEL_SDK_DISABLED: "true" });

    expect(stdout).toContain("OTEL_SDK_DISABLED is true");
    expect(stdout).toContain("Your order A-1001 is on its way");
    expect(stdout).not.toMatch(/Every trace was written|support-desk ·/);
  });

  it("ends in peace when nobody reads what it prints", async () => {
    const child = startDemo();
    child.stdout.destroy();
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);

    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });
});

async function demo(
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<string> {
  const child = startDemo(env, flags);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return stdout;
}

function startDemo(
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, ["--conditions=@waybill/source", ...flags, DEMO], {
    cwd: ROOT,
    env: { ...process.env, OPENAI_API_KEY: "", FORCE_COLOR: undefined, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The widest line of the drawings: those with a bar in them. */
function widest(drawings: string): number {
  const lines = drawings.split("\n").filter((line) => /[\u2580-\u259f]/.test(line));
  return Math.max(...lines.map(({ length }) => length));
}
