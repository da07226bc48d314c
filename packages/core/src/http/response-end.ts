import type { HeaderReader } from "./recorded-headers.ts";

/** What the application has answered a request with. */
export interface Answer<R> {
  /** The framework's own object for the request. */
  readonly request: R;

  /** Finds the template of the route that matched (`/orders/:id`), if there is one. */
  readonly route: () => string | undefined;

  /** Reads a header of the response. */
  readonly header: HeaderReader;
}

/** How a response ended. */
export interface ResponseEnd {
  /** The status code, if one was sent. */
  readonly statusCode?: number | undefined;

  /**
   * What kept the response from being made, or from being sent in full: what the application or the response's stream
   * failed with; no `error` if the server cut the response off and did not say why.
   */
  readonly failure?: { readonly error?: unknown } | undefined;

  /** Whether the client left before the response was complete. Does not count beside a failure. */
  readonly clientLeft?: boolean;

  /** Whether nobody ever read the response. */
  readonly unread?: boolean;

  /** Whether the response is an event stream, which a client ends by leaving. */
  readonly eventStream?: boolean;
}
