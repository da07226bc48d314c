import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { awakeSuite, honoSuite, leavingSuite } from "./hono-suite.ts";
import { processSuite } from "./process-suite.ts";
import { requestAndReset } from "./request-and-reset.ts";
import { RUNTIMES } from "./start-runtime.ts";
import type { RunningRuntime } from "./start-runtime.ts";
import { CASES_PATH, PASSED } from "./suite-handler.ts";
import type { Service } from "./test-case.ts";

for (const runtime of RUNTIMES) {
  describe.skipIf(!runtime.isInstalled)(`on ${runtime.name}`, () => {
    let running: RunningRuntime;
    beforeAll(async () => {
      running = await runtime.start();
    });
    afterAll(() => running.stop());

    const service = (request: (url: string, init: RequestInit) => Promise<Response>): Service => ({
      log: running.log,
      request: (path, init = {}) => request(running.url + path, init),
    });

    it.each([...honoSuite, ...leavingSuite, ...processSuite])(
      "within the process: $name",
      async ({ name }) => {
        const response = await fetch(running.url + CASES_PATH + encodeURIComponent(name));

        expect(await response.text()).toBe(PASSED);
      },
    );

    it.each(honoSuite)("over HTTP: $name", async ({ run }) => {
      await expect(run(service(fetch))).resolves.toBeUndefined();
    });

    // workerd sees that a connection was closed only when it writes to it.
    it.skipIf(runtime.name === "workerd").each(leavingSuite)(
      "over HTTP, by closing the connection: $name",
      async ({ run }) => {
        await expect(run(service(fetch))).resolves.toBeUndefined();
      },
    );

    it.each(leavingSuite)("over HTTP, by a reset of the connection: $name", async ({ run }) => {
      await expect(run(service(requestAndReset))).resolves.toBeUndefined();
    });

    it.runIf(runtime.name === "workerd").each(awakeSuite)("over HTTP: $name", async ({ run }) => {
      await expect(run(service(fetch))).resolves.toBeUndefined();
    });
  });
}
