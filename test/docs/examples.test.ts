import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// Inside the repository, so that packages are found as its tests find them.
const FOLDER = join(ROOT, "test/docs/.compiled");

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

it("compiles every complete program in a README or a doc comment", () => {
  const programs = [
    ...globSync(["README.md", "packages/*/README.md"], { cwd: ROOT }).flatMap(programsInMarkdown),
    ...globSync("packages/*/src/**/*.ts", { cwd: ROOT }).flatMap(programsInComments),
  ];
  expect(programs.length).toBeGreaterThan(20);

  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [index, { source, code }] of programs.entries()) {
    const file = `${index}-${source.replaceAll(/[^a-z0-9]+/gi, "-")}.ts`;
    writeFileSync(join(FOLDER, file), `${code}\nexport {};\n`);
  }
  const config = { extends: "../../../tsconfig.json", include: ["*.ts"], references: [] };
  writeFileSync(join(FOLDER, "tsconfig.json"), JSON.stringify(config));

  expect(compilerErrors()).toBe("");
});

interface Program {
  readonly source: string;
  readonly code: string;
}

function programsInMarkdown(source: string): Program[] {
  return programsIn(source, readFileSync(join(ROOT, source), "utf8"));
}

function programsInComments(source: string): Program[] {
  const comments = readFileSync(join(ROOT, source), "utf8").match(/\/\*\*.*?\*\//gs) ?? [];
  return comments.flatMap((comment) => programsIn(source, comment.replaceAll(/^ *\* ?/gm, "")));
}

/** The fenced blocks that import something: those are complete. */
function programsIn(source: string, text: string): Program[] {
  return Array.from(text.matchAll(/```ts\n(.*?)```/gs), ([, code = ""]) => ({
    source,
    code,
  })).filter(({ code }) => /^import /m.test(code));
}

function compilerErrors(): string {
  try {
    execFileSync(
      process.execPath,
      [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", FOLDER],
      { cwd: ROOT, encoding: "utf8", stdio: "pipe" },
    );
    return "";
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}
