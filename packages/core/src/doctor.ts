import { context as contextApi, createContextKey, trace } from "@opentelemetry/api";

import { capturesContent, CONTENT_KINDS } from "./content-policy.ts";
import { processState } from "./process-state.ts";

/** Something that keeps spans, or part of them, from being recorded. */
export interface Finding {
  /**
   * - `no-provider`: no tracer provider is registered
   * - `two-apis`: one is, but with another copy of OpenTelemetry's API, which this package cannot see
   * - `no-context-manager`: spans do not nest, and identity does not reach them
   * - `sampled-out`: spans were started that no sampler wanted, or before there was one
   * - `content-off`: spans are recorded, but no prompts, answers or tool arguments: the default
   */
  readonly problem:
    | "no-provider"
    | "two-apis"
    | "no-context-manager"
    | "sampled-out"
    | "content-off";

  /** What it means, and what to do, in a sentence or two. */
  readonly advice: string;
}

const PROBE = createContextKey("waybill doctor");
const OPENTELEMETRY = Symbol.for("opentelemetry.js.api.1");

/**
 * Says in plain words why nothing, or not all, is recorded in this process. Call it where spans are missing. It starts no
 * span and changes nothing.
 *
 * @returns What was found, the gravest first; an empty list if nothing stands in the way.
 * @example
 * ```ts
 * import { doctor } from "@waybill/core";
 *
 * for (const { problem, advice } of doctor()) console.log(`${problem}: ${advice}`);
 * ```
 */
export function doctor(): readonly Finding[] {
  return [providerFinding(), contextFinding(), samplingFinding(), contentFinding()].flatMap(
    (finding) => finding ?? [],
  );
}

function providerFinding(): Finding | undefined {
  const registered = registeredApi();
  if (registered?.trace === undefined) {
    return {
      problem: "no-provider",
      advice:
        "No OpenTelemetry tracer provider is registered, so no span is recorded. Call `startTracing` of @waybill/sdk, or your own set-up, before the traced code runs.",
    };
  }
  if (trace.getTracerProvider() === registered.trace) return undefined;
  return {
    problem: "two-apis",
    advice: `A tracer provider is registered with another copy of @opentelemetry/api (${registered.version ?? "of an unknown version"}), which this one cannot see. Keep one copy: \`npm ls @opentelemetry/api\` shows them, \`npm dedupe\` or an override leaves one.`,
  };
}

function contextFinding(): Finding | undefined {
  const probe = contextApi.active().setValue(PROBE, true);
  if (contextApi.with(probe, () => contextApi.active().getValue(PROBE)) === true) return undefined;
  return {
    problem: "no-context-manager",
    advice:
      "No OpenTelemetry context manager is registered, so spans do not nest and identity does not reach them. `startTracing` of @waybill/sdk registers one; in a set-up of your own, register the `AsyncLocalStorageContextManager` of @waybill/core/otel.",
  };
}

function samplingFinding(): Finding | undefined {
  const { total, unsampled } = processState().startedSpans;
  if (unsampled === 0 || providerFinding() !== undefined) return undefined;
  return {
    problem: "sampled-out",
    advice: `Of ${total} spans that were started, ${unsampled} were not recorded: the sampler, or the caller's traceparent, decided so; or they were started before tracing was set up.`,
  };
}

function contentFinding(): Finding | undefined {
  if (CONTENT_KINDS.some((kind) => capturesContent(kind))) return undefined;
  return {
    problem: "content-off",
    advice:
      "Prompts, answers, tool arguments and results are not recorded: that is the default. Set `captureContent`, or OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true, to record them.",
  };
}

/** What all copies of OpenTelemetry's API share. */
function registeredApi(): { readonly trace?: unknown; readonly version?: string } | undefined {
  return (globalThis as { [OPENTELEMETRY]?: { trace?: unknown; version?: string } })[OPENTELEMETRY];
}
