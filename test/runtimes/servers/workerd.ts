import type { ExecutionContext } from "hono";

import { suiteHandler } from "../suite-handler.ts";

const handle = suiteHandler();

// oxlint-disable-next-line import/no-default-export -- A worker is one.
export default {
  fetch: (request: Request, env: object, executionContext: ExecutionContext) =>
    handle(request, env, executionContext),
};
