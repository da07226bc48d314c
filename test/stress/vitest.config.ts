import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const conditions = ["@waybill/source"];

/** Tests that take long or a lot: they are run before a release, not with every change. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { include: ["test/stress/**/*.test.ts"], testTimeout: 120_000 },
});
