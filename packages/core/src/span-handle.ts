import {
  context as contextApi,
  createContextKey,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Attributes, Context, Link, Span, Tracer } from "@opentelemetry/api";

import { capturesContent, contentAttribute, recordableText } from "./content-policy.ts";
import type { CaptureContent, ContentKind } from "./content-policy.ts";
import { contextWithIdentity, resolveIdentity } from "./identity-context.ts";
import type { AgentIdentity } from "./identity.ts";
import { errorMessage, errorType, exceptionAttributes, isAbort } from "./operation-error.ts";
import { attempt } from "./report-failure.ts";
import { requestScope } from "./request-scope.ts";
import type { RequestScope, ScopeMember } from "./request-scope.ts";
import { ERROR_TYPE, EXCEPTION_EVENT, GEN_AI_OPERATION_NAME, WAYBILL_OUTCOME } from "./semconv.ts";

/**
 * How an operation ended, other than by success or by failure.
 *
 * - `aborted`: by its own abort signal
 * - `cancelled`: its reader went away (`break`, `cancel()`, the client's disconnect)
 * - `abandoned`: nobody ever read it to its end or ended it
 */
export type Outcome = "aborted" | "cancelled" | "abandoned";

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

  /** A signal that ends the operation as `aborted`, not as failed, when the operation throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;

  /**
   * Which content is recorded on this span.
   *
   * @default the process's setting, see `configureWaybill`
   */
  readonly captureContent?: CaptureContent | undefined;
}

const TRACER_NAME = "@waybill/core";
const OPEN_SPAN = createContextKey("waybill open span");
const MAX_REMEMBERED_ERRORS = 8;

/**
 * A span that was opened and will be ended, once: by {@link SpanHandle.end} or {@link SpanHandle.fail}.
 *
 * All methods may be called after the end; they then do nothing. None throws because of tracing.
 */
export class SpanHandle implements ScopeMember, Disposable {
  /** The OpenTelemetry span itself. */
  readonly span: Span;

  /** The context inside the span: with the span active, its identity, and the baggage of its parent. */
  readonly context: Context;

  /** Whether anything is recorded. Check it before computing something costly for the span. */
  readonly recording: boolean;

  readonly #signal: AbortSignal | undefined;
  readonly #captureContent: CaptureContent | undefined;
  readonly #outer: SpanHandle | undefined;
  readonly #scope: RequestScope | undefined;
  #innerErrors: unknown[] | undefined;
  #onClientLeft: (() => void) | undefined;
  #ended = false;

  constructor(options: SpanHandleOptions) {
    const { name, kind = SpanKind.INTERNAL, attributes = {}, agent, links } = options;
    const outerContext = options.parent ?? contextApi.active();
    const parent =
      agent === undefined ? outerContext : contextWithIdentity(outerContext, { agent });

    this.span = tracer().startSpan(
      name,
      { kind, attributes, ...(links && { links: [...links] }) },
      parent,
    );
    this.recording = this.span.isRecording();
    this.context = trace.setSpan(parent, this.span).setValue(OPEN_SPAN, this);
    this.#signal = options.signal;
    this.#captureContent = options.captureContent;
    this.#outer = openSpan(parent);
    this.#scope = requestScope(parent);
    this.#scope?.add(this);
    if (this.recording) this.#stampIdentity(parent, attributes);
  }

  get ended(): boolean {
    return this.#ended;
  }

  setAttributes(attributes: Attributes): void {
    if (!this.#ended && this.recording) this.span.setAttributes(attributes);
  }

  addEvent(name: string, attributes?: Attributes): void {
    if (!this.#ended && this.recording) this.span.addEvent(name, attributes);
  }

  /**
   * Records content, if the content policy allows this kind of it: a string as it is, anything else as JSON; redacted,
   * and within the byte budget.
   *
   * @param read Gives the value; called only if it will be recorded. `undefined` records nothing.
   */
  recordContent(kind: ContentKind, attribute: string, read: () => unknown): void {
    if (this.#ended || !this.recording || !capturesContent(kind, this.#captureContent)) return;
    attempt(`the content for \`${attribute}\` could not be recorded`, () => {
      const value = read();
      if (value === undefined) return;
      const recordable =
        typeof value === "string" ? recordableText(value) : contentAttribute(value);
      this.span.setAttribute(attribute, recordable);
    });
  }

  /** Runs `fn` with this span active; does not end the span. */
  run<T>(fn: () => T): T {
    return contextApi.with(this.context, fn);
  }

  /** A function that runs `fn` with this span active, whenever and wherever it is called. */
  bind<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
    return contextApi.bind(this.context, fn);
  }

  /** Calls `listener` when the request's client leaves before the span has ended. One listener; the last one counts. */
  onClientLeft(listener: () => void): void {
    this.#onClientLeft = listener;
  }

  clientLeft(): void {
    if (!this.#ended) this.#onClientLeft?.();
  }

  /** Ends the span; without an outcome, as a success. */
  end(outcome?: Outcome): void {
    if (this.#ended) return;
    if (outcome !== undefined) this.setAttributes({ [WAYBILL_OUTCOME]: outcome });
    this.#close();
  }

  /**
   * Ends the span because of an error: as failed; or, if the error is an abort, as `aborted`, or as `cancelled` if the
   * request's client has left.
   */
  fail(error: unknown): void {
    if (this.#ended) return;
    if (attempt("an error could not be read", () => isAbort(error, this.#signal)) === true) {
      this.end(this.#scope?.clientLeft === true ? "cancelled" : "aborted");
      return;
    }
    if (this.recording) attempt("an error could not be recorded", () => this.#recordError(error));
    this.#outer?.rememberError(error);
    this.#close();
  }

  /** An operation inside this one failed with `error`: should it escape from here too, it is not described again. */
  rememberError(error: unknown): void {
    this.#innerErrors ??= [];
    if (this.#innerErrors.length >= MAX_REMEMBERED_ERRORS) this.#innerErrors.shift();
    this.#innerErrors.push(error);
  }

  /** Ends the span as a success, for `using`. */
  [Symbol.dispose](): void {
    this.end();
  }

  #recordError(error: unknown): void {
    // The event stands where the error came from; the spans it passed on its way up carry the status only.
    if (this.#innerErrors?.includes(error) !== true) {
      this.span.addEvent(EXCEPTION_EVENT, exceptionAttributes(error));
    }
    this.span.setAttributes({ [ERROR_TYPE]: errorType(error), [WAYBILL_OUTCOME]: "error" });
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  }

  #close(): void {
    this.#ended = true;
    this.#onClientLeft = undefined;
    this.#scope?.remove(this);
    this.span.end();
  }

  #stampIdentity(parent: Context, given: Attributes): void {
    const { all, genAi } = resolveIdentity(parent).attributes;
    const stamp = given[GEN_AI_OPERATION_NAME] === undefined ? all : { ...all, ...genAi };
    for (const [key, value] of Object.entries(stamp)) {
      if (given[key] === undefined) this.span.setAttribute(key, value);
    }
  }
}

/** The innermost span of ours that is open in this context. */
export function openSpan(context: Context): SpanHandle | undefined {
  return context.getValue(OPEN_SPAN) as SpanHandle | undefined;
}

/**
 * Runs `fn` inside the span and ends the span when `fn`, or the promise it returns, is done. The result and the error
 * pass through as they are.
 */
export function runAndEnd<H extends SpanHandle, T>(handle: H, fn: (span: H) => T): T {
  let result: T;
  try {
    result = handle.run(() => fn(handle));
  } catch (error) {
    handle.fail(error);
    throw error;
  }
  if (!isPromiseLike(result)) {
    handle.end();
    return result;
  }
  return result.then(
    (value) => {
      handle.end();
      return value;
    },
    (error: unknown) => {
      handle.fail(error);
      throw error;
    },
  ) as T;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function tracer(): Tracer {
  return trace.getTracer(TRACER_NAME);
}
