/**
 * A service on Hono that shows what happens to a trace on its way: `POST` it a JSON array of
 * `{ "url": …, "arguments": … }`, and it posts each `arguments` to its `url`, in the same trace.
 *
 *     PORT=8080 npm run example -- examples/w3c-service/hono.ts
 *
 * Without `PORT` it takes a free one.
 */
import { serve } from "@hono/node-server";
import { startTracing } from "@waybill/sdk";

import { honoService } from "./hono-service.ts";

const tracing = startTracing({ serviceName: "w3c-hono", timeline: false });

const { fetch } = honoService();
const server = serve(
  { fetch, port: Number(process.env.PORT ?? 0), hostname: "127.0.0.1" },
  ({ port }) => console.log(`listening on http://127.0.0.1:${port}`),
);

process.once("SIGTERM", () => {
  server.close(() => void tracing.shutdown());
  if ("closeIdleConnections" in server) server.closeIdleConnections();
});
