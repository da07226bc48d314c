import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { build } from "vite";

import { SpanLog } from "./span-log.ts";
import type { Message } from "./suite-handler.ts";

/** A runtime whose server has started. */
export interface RunningRuntime {
  readonly url: string;

  /** The spans of the runtime. */
  readonly log: SpanLog;
  readonly stop: () => Promise<void>;
}

/** A runtime that the suites are run on. */
export interface Runtime {
  readonly name: string;

  /** Whether it is there. npm leaves out what does not run on this platform. */
  readonly isInstalled: boolean;
  readonly start: () => Promise<RunningRuntime>;
}

const CONDITIONS = "--conditions=@waybill/source";

/** `npm run test:runtimes` installs all of them but the Node that runs this, which is 24. */
export const RUNTIMES: readonly Runtime[] = [
  onSources("Node 22", inFolder("node_modules/node-v22/bin/node"), [CONDITIONS], "node.ts"),
  onSources(
    `Node ${process.versions.node.split(".")[0]}`,
    process.execPath,
    [CONDITIONS],
    "node.ts",
  ),
  onSources("Node 26", inFolder("node_modules/node-v26/bin/node"), [CONDITIONS], "node.ts"),
  onSources("Bun", inFolder("node_modules/.bin/bun"), [CONDITIONS], "bun.ts"),
  onSources(
    "Deno",
    inFolder("node_modules/.bin/deno"),
    ["run", "--allow-all", "--no-lock", CONDITIONS],
    "deno.ts",
  ),
  workerd(),
];

/** A runtime that runs TypeScript as it stands. */
function onSources(name: string, command: string, flags: string[], server: string): Runtime {
  return {
    name,
    isInstalled: existsSync(command),
    async start() {
      const child = spawn(command, [...flags, inFolder(`servers/${server}`)], {
        cwd: inFolder("."),
        stdio: "pipe",
      });
      return running(child, [child.stdout]);
    },
  };
}

/** It takes one file of JavaScript, and tells its port on a pipe of its own. */
function workerd(): Runtime {
  const command = inFolder("node_modules/.bin/workerd");
  return {
    name: "workerd",
    isInstalled: existsSync(command),
    async start() {
      const folder = await mkdtemp(join(tmpdir(), "waybill-workerd-"));
      try {
        const config = join(folder, "workerd.capnp");
        await copyFile(inFolder("servers/workerd.capnp"), config);
        await bundle(inFolder("servers/workerd.ts"), folder);
        const stdio: StdioOptions = ["pipe", "pipe", "pipe", "pipe"];
        const child = spawn(command, ["serve", "--control-fd=3", config], { stdio });
        return await running(child, [child.stdout, child.stdio[3]]);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}

async function bundle(entry: string, outDir: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@waybill/source", "workerd", "worker", "module"] },
    build: {
      outDir,
      minify: false,
      target: "es2024",
      rolldownOptions: {
        input: entry,
        external: /^node:/,
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "suite.js", format: "es" },
      },
    },
  });
}

async function running(child: ChildProcess, outputs: readonly unknown[]): Promise<RunningRuntime> {
  const log = new SpanLog();
  const closed = once(child, "close");
  const { promise: listening, resolve, reject } = Promise.withResolvers<number>();
  child.once("error", reject);
  let errors = "";
  child.stderr?.on("data", (text) => {
    errors += text;
  });
  child.once("close", (code) => {
    reject(new Error(`the runtime ended with code ${code}: ${errors}`));
  });
  for (const output of outputs) {
    createInterface({ input: output as Readable }).on("line", (line) => {
      const message = JSON.parse(line) as Message;
      if (message.event === "listen") resolve(message.port);
      else log.add(message);
    });
  }
  const url = `http://127.0.0.1:${await listening}`;
  return {
    url,
    log,
    async stop() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

function inFolder(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
