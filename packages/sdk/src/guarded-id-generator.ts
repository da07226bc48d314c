import { isValidSpanId, isValidTraceId } from "@opentelemetry/api";
import { RandomIdGenerator } from "@opentelemetry/sdk-trace";
import type { IdGenerator } from "@opentelemetry/sdk-trace";
import { attempt, reportFailure } from "@waybill/core";

/**
 * An id generator that never throws: where it gives no valid id, a random one stands in, and `diag` hears of it. Without
 * an id a span could not even be left out: those below it would lose their trace.
 */
export class GuardedIdGenerator implements IdGenerator {
  readonly #generator: IdGenerator;
  readonly #random = new RandomIdGenerator();

  constructor(generator: IdGenerator) {
    this.#generator = generator;
  }

  generateTraceId(): string {
    const id = attempt("the id generator failed", () => this.#generator.generateTraceId());
    return id !== undefined && isValidTraceId(id) ? id : this.#replaced("generateTraceId");
  }

  generateSpanId(): string {
    const id = attempt("the id generator failed", () => this.#generator.generateSpanId());
    return id !== undefined && isValidSpanId(id) ? id : this.#replaced("generateSpanId");
  }

  #replaced(method: keyof IdGenerator): string {
    reportFailure(`the id generator's \`${method}\` gave no valid id; a random one is used`);
    return this.#random[method]();
  }
}
