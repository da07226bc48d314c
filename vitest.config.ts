import { defineConfig } from "vitest/config";

const conditions = ["@waybill/source"];

export default defineConfig({
  // Tests import packages by name and run their sources: no build comes first.
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    // These have scripts of their own: `test:stress`, `test:otel2`, `test:runtimes`.
    exclude: ["test/stress/**", "test/otel2/**", "test/runtimes/**"],
  },
});
