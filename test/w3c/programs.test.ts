import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { PARENT_ID, TRACE_ID } from "./relay.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

describe.each(["express", "hono"])("examples/w3c-service/%s.ts", (name) => {
  const received: IncomingHttpHeaders[] = [];
  const receiver = createServer((request, response) => {
    received.push(request.headers);
    response.end();
  });
  let program: ReturnType<typeof spawn>;
  let url: string;

  beforeAll(async () => {
    receiver.listen(0, "127.0.0.1");
    program = spawn(
      process.execPath,
      ["--conditions=@waybill/source", `examples/w3c-service/${name}.ts`],
      { cwd: ROOT, env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] },
    );
    if (program.stdout === null) throw new Error("its output cannot be read");
    const [line] = (await once(createInterface(program.stdout), "line")) as [string];
    url = line.replace("listening on ", "");
  });
  afterAll(async () => {
    if (program.exitCode === null) program.kill("SIGKILL");
    receiver.close();
    receiver.closeAllConnections();
  });

  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/test`, { method: "POST", body, headers });

  it("posts on what it is posted, in the caller's trace", async () => {
    const { port } = receiver.address() as AddressInfo;
    const callback = { url: `http://127.0.0.1:${port}/`, arguments: { a: 1 } };
    const response = await post(JSON.stringify([callback]), {
      "content-type": "application/json",
      traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
      tracestate: "foo=1",
    });

    expect([response.status, await response.json()]).toEqual([200, { requests: 1 }]);
    expect(received).toHaveLength(1);
    expect(received[0]?.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[\\da-f]{16}-01$`));
    expect(received[0]?.tracestate).toBe("foo=1");
  });

  it.each([
    ["no JSON", "nonsense"],
    ["nothing", ""],
    ["an object", "{}"],
    ["a member without a URL", '[{"arguments":[]}]'],
    ["a URL that is none", '[{"url":"http://","arguments":[]}]'],
    ["a URL of a file", '[{"url":"file:///etc/hosts","arguments":[]}]'],
    ["a member without arguments", '[{"url":"http://127.0.0.1/"}]'],
    ["null in the array", "[null]"],
  ])("answers 400 and says what it expects: %s", async (_title, body) => {
    const response = await post(body);

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringContaining("a JSON array of") });
  });

  it("stops when it is told to", async () => {
    program.kill("SIGTERM");

    expect(await once(program, "exit")).toEqual([0, null]);
  });
});
