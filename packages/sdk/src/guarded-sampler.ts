import { SamplingDecision } from "@opentelemetry/sdk-trace";
import type { Sampler, SamplingResult } from "@opentelemetry/sdk-trace";
import { attempt, reportFailure } from "@waybill/core";

import { contain } from "./contain.ts";

/** A sampler that never throws: a span that it cannot decide about is not recorded, and `diag` hears of it. */
export class GuardedSampler implements Sampler {
  readonly #sampler: Sampler;

  constructor(sampler: Sampler) {
    this.#sampler = sampler;
  }

  shouldSample(...span: Parameters<Sampler["shouldSample"]>): SamplingResult {
    let result: unknown;
    void contain("the sampler failed", () => (result = this.#sampler.shouldSample(...span)));
    if (isSamplingResult(result)) return result;
    reportFailure("the sampler made no decision; spans are not recorded");
    return { decision: SamplingDecision.NOT_RECORD };
  }

  toString(): string {
    return attempt("the sampler could not be described", () => this.#sampler.toString()) ?? "";
  }
}

function isSamplingResult(result: unknown): result is SamplingResult {
  return typeof (result as Partial<SamplingResult> | null | undefined)?.decision === "number";
}
