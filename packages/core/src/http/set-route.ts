import { context as contextApi } from "@opentelemetry/api";

import { reportFailure } from "../report-failure.ts";
import { requestScope } from "../request-scope.ts";

/**
 * Says which route the request takes that this is called in (`/orders/:id`), for the SERVER span's name and its
 * `http.route`. It goes before what the router and the option `route` say; of several calls the last one counts. For
 * routing of one's own: give a template, of which there are few, never the path.
 *
 * Outside a request, or with anything but a text, it is told to `diag` and has no effect. Never throws.
 */
export function setRoute(template: string): void {
  const scope = requestScope(contextApi.active());
  if (scope === undefined) {
    reportFailure("`setRoute` was called outside a request and had no effect");
  } else if (typeof template !== "string") {
    reportFailure("`setRoute` was given no text and had no effect");
  } else {
    scope.route = template;
  }
}
