import type { Context } from "@opentelemetry/api";
import type { Context as HonoContext } from "hono";

/** A response on its way out, whose true end ends the span of its request. */
export interface OpenResponse {
  /** The context that the application runs in. */
  readonly context: Context;

  /** The application is through, and `c.res` is what it made. */
  handled(c: HonoContext): void;

  /** The application threw what Hono does not handle: a value that is no `Error`. */
  failed(error: unknown): void;
}
