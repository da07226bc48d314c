import type { Context, TextMapGetter, TextMapPropagator } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";

/**
 * Reads W3C baggage from incoming requests and writes none on outgoing ones: baggage says who the user is, and an
 * outgoing request may go to anybody, model providers included.
 */
export class InboundBaggagePropagator implements TextMapPropagator {
  readonly #baggage = new W3CBaggagePropagator();

  inject(): void {}

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    return this.#baggage.extract(context, carrier, getter);
  }

  fields(): string[] {
    return this.#baggage.fields();
  }
}
