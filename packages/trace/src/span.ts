/** A value of an attribute: what JSON can hold, and bytes. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | undefined
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
  readonly traceFlags: number;
  readonly traceState?: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

/** One timed operation of a trace. */
export interface Span {
  /** 32 lowercase hex digits. */
  readonly traceId: string;

  /** 16 lowercase hex digits. */
  readonly spanId: string;

  /** Absent at the root of a trace. */
  readonly parentSpanId?: string;

  /** Whether the parent is in another process. */
  readonly parentIsRemote: boolean;
  readonly name: string;
  readonly kind: SpanKind;

  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;

  /** Nanoseconds since the Unix epoch; absent while the span runs. */
  readonly endNs?: bigint;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];

  /** What produced the span: `service.name` and its like. */
  readonly resource: Attributes;

  /** The library that made the span. */
  readonly scope: { readonly name: string; readonly version?: string };
  readonly traceFlags: number;
  readonly traceState?: string;

  /** How many entries OpenTelemetry's limits kept from being recorded. */
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}
