import type { AddressInfo } from "node:net";

import { setIdentity, withSpan } from "@waybill/core";
import { traceMiddleware } from "@waybill/express";
import express from "express";
import { afterEach, beforeEach, expect, it } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

it("runs the listeners of a request's own events inside the request", async () => {
  const app = express();
  app.use(traceMiddleware());
  app.post("/raw", (req, res) => {
    req.resume();
    req.on("end", () => {
      setIdentity({ userId: "ada" });
      withSpan("work", () => res.json({}));
    });
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  const server = app.listen(0, "127.0.0.1", () => resolve());
  await listening;
  const { port } = server.address() as AddressInfo;
  const body = "x".repeat(100_000);
  await (await fetch(`http://127.0.0.1:${port}/raw`, { method: "POST", body })).text();
  await recording.idle();
  server.close();
  server.closeAllConnections();

  expect(spanTree(recording.spans())).toBe(`
POST /raw
  work
`);
  expect(spanNamed(recording.spans(), "POST /raw").attributes["user.id"]).toBe("ada");
});
