import { traceMiddleware } from "@waybill/express";
import type { TraceMiddlewareOptions } from "@waybill/express";
import express from "express";
import { afterEach, beforeEach, expect, it } from "vitest";

import { listen } from "../support/http-services.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(() => recording.stop());

it.each<[string, unknown, TraceMiddlewareOptions, string]>([
  ["Express's own setting by default", 2, {}, "203.0.113.7"],
  ["the option before it", 2, { trustProxy: 1 }, "198.51.100.2"],
  ["the option, also if that believes nobody", 2, { trustProxy: false }, "127.0.0.1"],
  ["nobody where neither is set", false, {}, "127.0.0.1"],
])("believes the proxies of %s", async (_title, setting, options, client) => {
  const app = express();
  app.set("trust proxy", setting);
  app.use(traceMiddleware(options));
  app.get("/", (_req, res) => void res.json({}));
  const service = await listen(app);
  await fetch(service.url, {
    headers: { "x-forwarded-for": "6.6.6.6, 203.0.113.7, 198.51.100.2" },
  });
  await recording.idle();
  await service.close();

  expect(recording.spans()[0]?.attributes["client.address"]).toBe(client);
});
