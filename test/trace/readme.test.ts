import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import * as traceExports from "@waybill/trace";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const README = readFileSync(new URL("packages/trace/README.md", ROOT), "utf8");

describe("the README of @waybill/trace", () => {
  it("shows a program that prints what it says", () => {
    const printed = execFileSync(
      process.execPath,
      ["--conditions=@waybill/source", "--input-type=module", "--eval", block("ts")],
      { cwd: ROOT, encoding: "utf8" },
    );

    expect(outline(printed)).toEqual(outline(block("text")));
    expect(outline(printed)).toEqual([
      "invoke_agent planner · travel-desk · 4 spans",
      "trace",
      "invoke_agent planner",
      "├─ execute_tool find_flights",
      "├─ execute_tool find_hotels",
      "└─ execute_tool book",
    ]);
  });

  it("names every function that the package exports", () => {
    const documented = Array.from(README.matchAll(/^\| `(\w+)\(/gm), ([, name]) => name);

    expect(new Set(documented)).toEqual(new Set(Object.keys(traceExports)));
  });
});

/** The first block of a language. */
function block(language: string): string {
  return new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(README)?.[1] ?? "";
}

/** The lines of a timeline without what differs from run to run: ids, times, bars and their axis. */
function outline(timeline: string): string[] {
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
