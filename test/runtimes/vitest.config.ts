import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const conditions = ["@waybill/source"];

/** One suite on every runtime: Node 22, 24 and 26, Bun, Deno and workerd, which are installed in this folder. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { include: ["test/runtimes/*.test.ts"], hookTimeout: 60_000 },
});
