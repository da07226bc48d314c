import type { Answer } from "@waybill/core/http";
import type { Context } from "hono";

import { routeTemplate } from "./route-template.ts";

/** What the application has answered with, or what is known of that if there is no answer yet. */
export function answerOf(c: Context, statusCode: number | undefined): Answer<Context> {
  return {
    request: c,
    route: () => routeTemplate(c, statusCode),
    // Reading `c.res` would make a response where there is none.
    header: (name) => {
      if (statusCode === undefined) return undefined;
      if (name === "set-cookie") return manyOrNone(c.res.headers.getSetCookie());
      return c.res.headers.get(name) ?? undefined;
    },
  };
}

function manyOrNone(lines: readonly string[]): readonly string[] | undefined {
  return lines.length === 0 ? undefined : lines;
}
