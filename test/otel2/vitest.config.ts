import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const conditions = ["@waybill/source"];

/** A package of this folder, by its CommonJS build: the SDK's own copy of the API is that one, too. */
const installed = (name: string): string =>
  fileURLToPath(new URL(`node_modules/${name}/build/src/index.js`, import.meta.url));

/** The tests of core and of the HTTP adapters, on OpenTelemetry's API 1.9 and SDK 2. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: {
    conditions,
    alias: Object.fromEntries(
      ["api", "core", "sdk-metrics", "sdk-trace"].map((name) => [
        `@opentelemetry/${name}`,
        installed(`@opentelemetry/${name}`),
      ]),
    ),
  },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/{core,http,hono}/**/*.test.ts", "test/otel2/*.test.ts"],
    exclude: [
      // Log records are there from API 1.10 on.
      "test/http/exception-signal.test.ts",
      // The instrumentations, and processes of their own, have not these versions.
      "test/http/adoption.test.ts",
      "test/http/propagate-beside-instrumentation.test.ts",
    ],
  },
});
