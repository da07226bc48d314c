import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "vite";
import { expect, it } from "vitest";

const KIB = 1024;

interface Bundle {
  readonly imports: readonly string[];

  /** Minified and compressed. */
  readonly gzipBytes: number;
}

async function bundle(entry: string): Promise<Bundle> {
  const { output } = (await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["@waybill/source"] },
    build: {
      write: false,
      minify: true,
      rolldownOptions: {
        input: fileURLToPath(new URL(entry, import.meta.url)),
        external: ["@opentelemetry/api"],
        preserveEntrySignatures: "strict",
      },
    },
  })) as unknown as { output: readonly { code: string; imports: readonly string[] }[] };
  const [chunk] = output;
  expect(output).toHaveLength(1);
  return { imports: chunk?.imports ?? [], gzipBytes: gzipSync(chunk?.code ?? "").byteLength };
}

it.each([
  // A third of it is the content policy: see docs/decisions/weight-of-core.md.
  ["all of core's root entry", "../../packages/core/src/index.ts", 18 * KIB],
  ["what `withSpan` alone needs of it", "./fixtures/with-span-only.ts", 10.5 * KIB],
])("imports nothing but OpenTelemetry's API, and stays light: %s", async (_title, entry, limit) => {
  const { imports, gzipBytes } = await bundle(entry);

  expect(imports).toEqual(["@opentelemetry/api"]);
  expect(gzipBytes).toBeLessThan(limit);
});
