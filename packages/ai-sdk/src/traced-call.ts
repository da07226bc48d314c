import type { CaptureContent } from "@waybill/core";

import type { AiModule } from "./ai-module.ts";

/** A function of the AI SDK that starts an operation. */
export type TracedCall = (options: CallOptions) => unknown;

/** The options of such a function, as far as they concern us. All others are passed through. */
export interface CallOptions {
  readonly model?: unknown;
  readonly tools?: unknown;
  readonly prepareStep?: unknown;
  readonly output?: unknown;
  readonly abortSignal?: unknown;
  readonly telemetry?: TelemetryOptions;

  /** The name of `telemetry` before v7, still an alias there. */
  readonly experimental_telemetry?: TelemetryOptions;
}

interface TelemetryOptions {
  readonly isEnabled?: boolean;
  readonly functionId?: unknown;
  readonly recordInputs?: boolean;
  readonly recordOutputs?: boolean;
}

/** What the calls of one `traceAI` have in common. */
export interface TraceSettings {
  readonly ai: AiModule;
  readonly captureContent: CaptureContent | undefined;
}
