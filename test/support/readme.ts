import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const ROOT = new URL("../../", import.meta.url);
const run = promisify(execFile);

/** The README of a package. */
export function readme(packageName: string): string {
  return readFileSync(new URL(`packages/${packageName}/README.md`, ROOT), "utf8");
}

/** The first fenced block of a language. */
export function codeBlock(markdown: string, language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(markdown)?.[1] ?? "";
}

/** Runs a program as a user would, in a process of its own, and returns what it printed on both streams. */
export async function printedBy(
  program: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(
    process.execPath,
    ["--conditions=@waybill/source", "--input-type=module", "--eval", program],
    { cwd: ROOT, encoding: "utf8", env: { ...process.env, NO_COLOR: "1", ...env } },
  );
  return `${stdout}${stderr}`;
}

/** The lines of a timeline without what differs from run to run: ids, times, bars and their axis. */
export function outline(timeline: string): string[] {
  return timeline
    .split("\n")
    .map((line) =>
      line
        .replace(/\b[0-9a-f]{32}\b/, "")
        .replace(/· [\d.]+ \w+ /, "")
        .replace(/ {2,}[\u2580-\u259f┊].*/, "")
        .replace(/^ +0 .*/, "")
        .trim(),
    )
    .filter((line) => line !== "");
}
