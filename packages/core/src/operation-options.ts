import type { Attributes, Context } from "@opentelemetry/api";

import type { CaptureContent } from "./content-policy.ts";

/** What every agent operation may be given. */
export interface OperationOptions {
  /** Further attributes that are known at the start. Samplers see them. */
  readonly attributes?: Attributes;

  /**
   * The context that the operation starts in.
   *
   * @default the active context
   */
  readonly parent?: Context;

  /** A signal that ends the operation as `aborted`, not as failed, when the operation throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;

  /**
   * Which content is recorded on this operation's span.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent | undefined;
}
