import {
  context as contextApi,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Attributes, Context, Link, Span, Tracer, TracerProvider } from "@opentelemetry/api";

import { capturesContent, contentAttribute, recordableText } from "./content-policy.ts";
import type { CaptureContent, ContentKind } from "./content-policy.ts";
import { recordException } from "./exception-signal.ts";
import { contextWithIdentity } from "./identity-context.ts";
import type { AgentIdentity } from "./identity.ts";
import { endOperation, endWithHandle } from "./open-operation.ts";
import type { OpenOperation, OperationEnd, Outcome } from "./open-operation.ts";
import { errorMessage, errorType, isAbort } from "./operation-error.ts";
import { processState } from "./process-state.ts";
import { attempt } from "./report-failure.ts";
import { requestScope } from "./request-scope.ts";
import type { RequestScope, ScopeMember } from "./request-scope.ts";
import { ERROR_TYPE, GEN_AI_OPERATION_NAME, WAYBILL_ATTEMPT, WAYBILL_OUTCOME } from "./semconv.ts";
import { spanAttributes } from "./span-attributes.ts";
import { stampIdentity } from "./stamp-identity.ts";
import { TraceClock } from "./trace-clock.ts";

/** How a span starts. */
export interface SpanHandleOptions {
  readonly name: string;

  /** @default SpanKind.INTERNAL */
  readonly kind?: SpanKind;

  /** What is known at the start. Samplers see it. */
  readonly attributes?: Attributes;

  readonly links?: readonly Link[];

  /**
   * The context that the span starts in: its parent, the request's scope, the baggage.
   *
   * @default the active context
   */
  readonly parent?: Context;

  /** The agent that this span and all below it belong to. */
  readonly agent?: AgentIdentity;

  /**
   * Which call this is, if another instrumentation may trace the same one. Within an open operation of the same call,
   * with no other operation between, no span is started: the handle works on that one's.
   *
   * @default a call that nobody else traces
   */
  readonly call?: CallIdentity | undefined;

  /** A signal that ends the operation as `aborted`, not as failed, when the operation throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;

  /**
   * Which content is recorded on this span.
   *
   * @default the request's setting, else the process's, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent | undefined;
}

/** What tells a call from others. */
export interface CallIdentity {
  /** `model`, `tool look_up`. */
  readonly name: string;

  /** The call's own id. One instrumentation may know it, the other not. */
  readonly id?: string | undefined;

  /** Who traces it, where one instrumentation may see several calls of one name inside each other. */
  readonly instrumentation?: string | undefined;
}

const TRACER_NAME = "@waybill/core";
const OPEN_SPAN = createContextKey("waybill open span");
const MAX_REMEMBERED_ERRORS = 8;

/**
 * A span that was opened and will be ended, once: by {@link SpanHandle.end} or {@link SpanHandle.fail}.
 *
 * All methods may be called after the end; they then do nothing. None throws because of tracing.
 */
export class SpanHandle implements ScopeMember, Disposable, AsyncDisposable {
  /** The OpenTelemetry span itself. */
  readonly span: Span;

  /** The context inside the span: with the span active, its identity, and the baggage of its parent. */
  readonly context: Context;

  /** Whether anything is recorded. Check it before computing something costly for the span. */
  readonly recording: boolean;

  /** The span's `gen_ai.operation.name` at its start. */
  readonly operationName: string | undefined;

  /** The signal that may abort the operation. */
  readonly signal: AbortSignal | undefined;

  /** The span of ours around this one that was open when this one started. */
  readonly outer: SpanHandle | undefined;

  /** How many open spans of ours are around this one. */
  readonly depth: number;

  /** An operation around this one that traces the same call: its span is this one's, too. */
  protected readonly sameCall: SpanHandle | undefined;

  /** Where this handle came in, if it works on another one's span. */
  readonly #enclosing: SpanHandle | undefined;
  readonly #operation: OpenOperation;
  readonly #isServer: boolean;
  readonly #call: CallIdentity | undefined;
  readonly #captureContent: CaptureContent | undefined;
  #scope: RequestScope | undefined;
  #activity = 0;
  #innerCalls = 0;
  #openInnerCalls = 0;
  #innerCallFailure: OperationEnd["failure"];
  #innerErrors: unknown[] | undefined;
  #onClientLeft: (() => void) | undefined;

  constructor(options: SpanHandleOptions) {
    const { name, kind = SpanKind.INTERNAL, attributes = {}, agent, call, links } = options;
    const around = options.parent ?? contextApi.active();
    const parent = agent === undefined ? around : contextWithIdentity(around, { agent });

    this.outer = openSpan(parent);
    this.depth = this.outer === undefined ? 0 : this.outer.depth + 1;
    this.#enclosing = call === undefined ? undefined : this.outer?.enclosingCall(call);
    this.sameCall = this.#enclosing?.sameCall ?? this.#enclosing;
    this.#call = call;
    const operationName = attributes[GEN_AI_OPERATION_NAME];
    this.operationName = typeof operationName === "string" ? operationName : undefined;
    this.#isServer = kind === SpanKind.SERVER;
    this.signal = options.signal;
    this.#captureContent = options.captureContent ?? requestScope(parent)?.captureContent;

    if (this.sameCall !== undefined) {
      const { span, clock, recording } = this.sameCall;
      this.span = span;
      this.context = parent.setValue(OPEN_SPAN, this);
      this.recording = recording;
      this.#operation = { span, clock, depth: this.depth, ended: false, listeners: [] };
      this.#enclosing?.innerCallStarted();
      this.sameCall.enrich(attributes);
      return;
    }

    const clock = this.outer?.clock ?? new TraceClock();
    const start = { kind, attributes, startTime: clock.now(), ...(links && { links: [...links] }) };
    this.span =
      attempt("a span could not be started", () => tracer().startSpan(name, start, parent)) ??
      trace.wrapSpanContext(trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT);
    this.recording = this.span.isRecording();
    this.context = trace.setSpan(parent, this.span).setValue(OPEN_SPAN, this);
    this.#operation = { span: this.span, clock, depth: this.depth, ended: false, listeners: [] };
    this.outer?.touch();
    countStarted(this.recording);
    if (!this.recording) return;
    this.#scope = requestScope(parent);
    this.#scope?.add(this);
    stampIdentity(this.span, parent, attributes);
  }

  get ended(): boolean {
    return this.#operation.ended || this.sameCall?.ended === true;
  }

  /** The clock that the times of this span and of those inside it are from. */
  get clock(): TraceClock {
    return this.#operation.clock;
  }

  get activity(): number {
    return this.#activity;
  }

  setAttributes(attributes: Attributes): void {
    this.touch();
    if (!this.ended && this.recording) this.span.setAttributes(attributes);
  }

  addEvent(name: string, attributes: Attributes = {}): void {
    this.touch();
    if (!this.ended && this.recording) this.span.addEvent(name, attributes, this.clock.now());
  }

  /**
   * Records content, if the content policy allows this kind of it: a string as it is, anything else as JSON; redacted,
   * and within the byte budget.
   *
   * @param read Gives the value; called only if it will be recorded. `undefined` records nothing.
   */
  recordContent(kind: ContentKind, attribute: string, read: () => unknown): void {
    if (!this.capturesContent(kind)) return;
    attempt(`the content for \`${attribute}\` could not be recorded`, () => {
      const value = read();
      if (value === undefined) return;
      const recordable =
        typeof value === "string" ? recordableText(value) : contentAttribute(value);
      this.span.setAttribute(attribute, recordable);
    });
  }

  /** Whether content of this kind would be recorded on this span now. */
  capturesContent(kind: ContentKind): boolean {
    return !this.ended && this.recording && capturesContent(kind, this.#captureContent);
  }

  /**
   * Whether it matters when and how the operation ends. It does for a span that no sampler wanted, too: what its streams
   * start belongs below it. It does not where no OpenTelemetry SDK is registered.
   */
  get watched(): boolean {
    return isSpanContextValid(this.span.spanContext());
  }

  /** A chunk of what the operation streams was read. */
  onChunk(): void {}

  /** Something happened in the operation: it is still at work. */
  touch(): void {
    this.#activity += 1;
  }

  /** Runs `fn` with this span active; does not end the span. */
  run<T>(fn: () => T): T {
    return contextApi.with(this.context, fn);
  }

  /** A function that runs `fn` with this span active, whenever and wherever it is called. */
  bind<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
    return contextApi.bind(this.context, fn);
  }

  /**
   * Says that the operation outlives the call that opened it. Should this handle be lost, the span is ended as
   * `abandoned`: once the handle is collected as garbage, or by `flushOpen`.
   */
  keepOpen(): this {
    if (this.recording && this.sameCall === undefined) endWithHandle(this.#operation, this);
    return this;
  }

  /** Calls `listener` when the request's client leaves before the span has ended. One listener; the last one counts. */
  onClientLeft(listener: () => void): void {
    this.#onClientLeft = listener;
    // It may have left before the operation started. Then too, the application gets the chance to read what it gives.
    if (this.#scope?.clientLeft === true) setTimeout(() => this.clientLeft(), 0);
  }

  /**
   * Calls `listener` when the span has ended, by whatever. It must not refer to this handle, which could then never be
   * collected as garbage.
   */
  onEnded(listener: (end: OperationEnd) => void): void {
    this.#operation.listeners.push(listener);
  }

  clientLeft(): void {
    if (!this.ended) this.#onClientLeft?.();
  }

  /** Ends the span; without an outcome, as a success. */
  end(outcome?: Outcome): void {
    if (!this.ended) this.#close({ outcome });
  }

  /**
   * Ends the span because of an error: as failed; or, if the error is an abort, as `aborted`, or as `cancelled` if the
   * request's client has left.
   */
  fail(error: unknown): void {
    if (this.ended) return;
    if (attempt("an error could not be read", () => isAbort(error, this.signal)) === true) {
      this.end(this.#scope?.clientLeft === true ? "cancelled" : "aborted");
      return;
    }
    if (this.sameCall === undefined && this.recording) {
      this.#recordError(error);
      this.outer?.rememberError(error);
    }
    this.#close({ failure: { error } });
  }

  /** An operation inside this one failed with `error`: should it escape from here too, it is not described again. */
  rememberError(error: unknown): void {
    this.sameCall?.rememberError(error);
    this.#innerErrors ??= [];
    if (this.#innerErrors.length >= MAX_REMEMBERED_ERRORS) this.#innerErrors.shift();
    this.#innerErrors.push(error);
  }

  /**
   * The open operation within which another instrumentation would trace this call again: this one or one around it, with
   * no other operation between, and with no other part of it under way.
   */
  enclosingCall(call: CallIdentity): SpanHandle | undefined {
    if (this.ended) return undefined;
    if (this.#call !== undefined && isSameCall(this.#call, call)) {
      return this.#openInnerCalls === 0 ? this : undefined;
    }
    const isOther = this.#isServer || this.operationName !== undefined;
    return isOther ? undefined : this.outer?.enclosingCall(call);
  }

  /** Another instrumentation traces the same call. A further attempt of it is an event. */
  innerCallStarted(): void {
    this.#innerCalls += 1;
    this.#openInnerCalls += 1;
    if (this.#innerCalls === 1) return;
    const failure = this.#innerCallFailure;
    const type = failure && attempt("an error could not be read", () => errorType(failure.error));
    this.addEvent(WAYBILL_ATTEMPT, {
      [WAYBILL_ATTEMPT]: this.#innerCalls,
      ...(type !== undefined && { [ERROR_TYPE]: type }),
    });
  }

  /** The other instrumentation's part of the call is over: it failed, or it did not. */
  innerCallEnded({ failure }: OperationEnd): void {
    this.#openInnerCalls -= 1;
    this.#innerCallFailure = failure;
  }

  /** Adds what another instrumentation of the call knows. */
  enrich(attributes: Attributes): void {
    if (!this.recording) return;
    const present = spanAttributes(this.span);
    const missing = Object.entries(attributes).filter(([key]) => present[key] === undefined);
    this.setAttributes(Object.fromEntries(missing));
  }

  /** Ends the span as a success, for `using`. */
  [Symbol.dispose](): void {
    this.end();
  }

  /** Ends the span as a success, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }

  #recordError(error: unknown): void {
    const type = attempt("an error's type could not be read", () => errorType(error));
    const message = attempt("an error's message could not be read", () => errorMessage(error));
    this.span.setAttributes({ [ERROR_TYPE]: type ?? "_OTHER", [WAYBILL_OUTCOME]: "error" });
    this.span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    // The event stands where the error came from; the spans it passed on its way up carry the status only.
    if (this.#innerErrors?.includes(error) === true) return;
    attempt("an exception could not be recorded", () =>
      recordException({ error, span: this.span, context: this.context, time: this.clock.now() }),
    );
  }

  #close(end: OperationEnd): void {
    this.#onClientLeft = undefined;
    this.#scope?.remove(this);
    this.outer?.touch();
    if (this.#enclosing === undefined) {
      endOperation(this.#operation, end);
      return;
    }
    this.#enclosing.innerCallEnded(end);
    this.#operation.ended = true;
    for (const listener of this.#operation.listeners) listener(end);
  }
}

function isSameCall(one: CallIdentity, other: CallIdentity): boolean {
  if (one.name !== other.name) return false;
  if (one.id !== undefined && other.id !== undefined) return one.id === other.id;
  return one.instrumentation === undefined || one.instrumentation !== other.instrumentation;
}

/** The innermost span of ours in this context that is open. */
export function openSpan(context: Context): SpanHandle | undefined {
  let handle = context.getValue(OPEN_SPAN) as SpanHandle | undefined;
  while (handle?.ended === true) handle = handle.outer;
  return handle;
}

function countStarted(recording: boolean): void {
  const { startedSpans } = processState();
  startedSpans.total += 1;
  if (!recording) startedSpans.unsampled += 1;
}

let knownProvider: TracerProvider | undefined;
let knownTracer: Tracer | undefined;

/** The tracer of the provider that is registered now. To look it up is dearer than to start a span. */
function tracer(): Tracer {
  const provider = trace.getTracerProvider();
  if (knownTracer === undefined || provider !== knownProvider) {
    knownProvider = provider;
    knownTracer = provider.getTracer(TRACER_NAME);
  }
  return knownTracer;
}
