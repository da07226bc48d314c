import { serve } from "@hono/node-server";

import { say, suiteHandler } from "../suite-handler.ts";

serve({ fetch: suiteHandler(), port: 0, hostname: "127.0.0.1" }, ({ port }) =>
  say({ event: "listen", port }),
);
