import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** What is told of a span in one line of JSON. */
export interface SpanEvent {
  readonly event: "start" | "end" | "export";
  readonly span: PlainSpan;
}

type PlainSpan = Pick<
  ReadableSpan,
  "name" | "kind" | "parentSpanContext" | "status" | "attributes"
> & {
  readonly traceId: string;
  readonly spanId: string;
  readonly events: readonly { readonly name: string }[];
};

/** A trace of which every span has ended. */
export interface LoggedTrace {
  /** In the order of their start. */
  readonly spans: readonly ReadableSpan[];

  /** The names of the spans in the order of their end. */
  readonly endings: readonly string[];
}

/** The spans of one runtime, in the runtime or, told line by line, in the process that watches it. */
export class SpanLog {
  readonly #events: SpanEvent[] = [];
  #waiting: (() => void)[] = [];

  add(event: SpanEvent): void {
    this.#events.push(event);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves once a span of this name was started in the trace. */
  async started(traceId: string, name: string): Promise<void> {
    await this.#until(() => this.#of(traceId, "start").some((span) => span.name === name));
  }

  /** Resolves once the trace has begun and none of its spans is open. */
  async trace(traceId: string): Promise<LoggedTrace> {
    await this.#until(() => this.#haveAll(traceId, "end"));
    const ended = this.#of(traceId, "end");
    return {
      spans: this.#of(traceId, "start").flatMap(({ spanId }) =>
        ended.filter((span) => span.spanId === spanId).map(toReadableSpan),
      ),
      endings: ended.map(({ name }) => name),
    };
  }

  /** Resolves once all spans of the trace, at least one, have been exported. */
  async exported(traceId: string): Promise<void> {
    await this.#until(() => this.#haveAll(traceId, "export"));
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #haveAll(traceId: string, event: SpanEvent["event"]): boolean {
    const { length } = this.#of(traceId, event);
    return length > 0 && length === this.#of(traceId, "start").length;
  }

  #of(traceId: string, event: SpanEvent["event"]): PlainSpan[] {
    return this.#events
      .filter((candidate) => candidate.event === event && candidate.span.traceId === traceId)
      .map(({ span }) => span);
  }
}

export function spanEvent(event: SpanEvent["event"], span: ReadableSpan): SpanEvent {
  const { name, kind, parentSpanContext, status, attributes, events } = span;
  const { traceId, spanId } = span.spanContext();
  return {
    event,
    span: {
      name,
      kind,
      status,
      attributes,
      traceId,
      spanId,
      ...(parentSpanContext && { parentSpanContext }),
      events: events.map((recorded) => ({ name: recorded.name })),
    },
  };
}

function toReadableSpan(span: PlainSpan): ReadableSpan {
  const { traceId, spanId } = span;
  return {
    ...span,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
  } as unknown as ReadableSpan;
}
