import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { serve } from "@hono/node-server";

import { expressService } from "./express-service.ts";
import { honoService } from "./hono-service.ts";
import type { SupportDesk } from "./support-desk.ts";

/** A service that listens on a free port of the loopback interface. */
export interface RunningService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Starts the support desk on Express. */
export async function startExpressService(desk: SupportDesk): Promise<RunningService> {
  const app = expressService(desk);
  // oxlint-disable-next-line typescript/no-misused-promises -- an Express app is a request listener
  const server = createServer(app);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return running(server, server.address() as AddressInfo);
}

/** Starts the support desk on Hono. */
export async function startHonoService(desk: SupportDesk): Promise<RunningService> {
  const { promise, resolve } = Promise.withResolvers<AddressInfo>();
  const { fetch } = honoService(desk);
  const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, resolve);
  return running(server as ReturnType<typeof createServer>, await promise);
}

function running(server: ReturnType<typeof createServer>, { port }: AddressInfo): RunningService {
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
