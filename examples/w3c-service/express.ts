/**
 * A service on Express that shows what happens to a trace on its way: `POST` it a JSON array of
 * `{ "url": …, "arguments": … }`, and it posts each `arguments` to its `url`, in the same trace.
 *
 *     PORT=8080 npm run example -- examples/w3c-service/express.ts
 *
 * Without `PORT` it takes a free one.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { startTracing } from "@waybill/sdk";

import { expressService } from "./express-service.ts";

const tracing = startTracing({ serviceName: "w3c-express", timeline: false });

// oxlint-disable-next-line typescript/no-misused-promises -- an Express app is a request listener
const server = createServer(expressService());
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}`);
});

process.once("SIGTERM", () => {
  server.close(() => void tracing.shutdown());
  server.closeIdleConnections();
});
