/** A value of an attribute: what JSON can hold, and bytes and integers of any size. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

/** Attributes by name. */
export interface Attributes {
  readonly [name: string]: AttributeValue;
}

/** A span's role in a call between processes. */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";

/** How a span's operation went. `unset` is the ordinary success. */
export interface SpanStatus {
  readonly code: "unset" | "ok" | "error";
  readonly message?: string;
}

/** Something that happened at a moment within a span. */
export interface SpanEvent {
  readonly name: string;

  /** Nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

/** A reference to a span other than the parent, possibly of another trace. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;

  /** Whether the reference came from another process. Absent means no. */
  readonly isRemote?: boolean;
  readonly traceFlags: number;
  readonly traceState?: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

/** The library that made a span. */
export interface SpanScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

/** One timed operation of a trace. */
export interface Span {
  /** 32 lowercase hex digits. */
  readonly traceId: string;

  /** 16 lowercase hex digits. */
  readonly spanId: string;

  /** The span that caused this one. Absent at the root of a trace. */
  readonly parentSpanId?: string;

  /** Whether the parent is in another process. Absent means no. */
  readonly parentIsRemote?: boolean;
  readonly name: string;
  readonly kind: SpanKind;

  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;

  /** Nanoseconds since the Unix epoch; absent while the span runs. */
  readonly endNs?: bigint;
  readonly status: SpanStatus;
  readonly attributes: Attributes;

  /** In the order in which they were recorded. */
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];

  /** What produced the span: `service.name` and its like. Spans of one process may share the object. */
  readonly resource: Attributes;
  readonly resourceSchemaUrl?: string;
  readonly scope: SpanScope;

  /** W3C trace flags: 1 if the trace is sampled. */
  readonly traceFlags: number;

  /** W3C `tracestate`, as in the header. */
  readonly traceState?: string;

  /** How many attributes OpenTelemetry's limits kept from being recorded. */
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}
