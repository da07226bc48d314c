import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "vite";
import { expect, it } from "vitest";

/** Of which the content policy (serialiser, redactors, media, history) is a third. */
const MAX_GZIP_BYTES = 15 * 1024;

it("weighs less than 15 KB, minified and compressed, and imports nothing but OpenTelemetry's API", async () => {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: true,
      rolldownOptions: {
        input: fileURLToPath(new URL("../../packages/core/src/index.ts", import.meta.url)),
        external: ["@opentelemetry/api"],
        preserveEntrySignatures: "strict",
      },
    },
  });
  const { output } = built as unknown as {
    output: readonly { code: string; imports: readonly string[] }[];
  };
  const [chunk] = output;

  expect(output).toHaveLength(1);
  expect(chunk?.imports).toEqual(["@opentelemetry/api"]);
  expect(gzipSync(chunk?.code ?? "").byteLength).toBeLessThan(MAX_GZIP_BYTES);
});
