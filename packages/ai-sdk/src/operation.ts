import { isSpanContextValid } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { AgentRunSpan, attempt } from "@waybill/core";
import type { Outcome, StreamedOperation, TokenUsage } from "@waybill/core";

import type { CallOptions, TraceSettings } from "./traced-call.ts";

/**
 * Starts the operation of a call; `undefined` if there is nothing to trace: no OpenTelemetry SDK is registered, or the
 * call switched its telemetry off.
 */
export function startOperation(
  options: CallOptions,
  settings: TraceSettings,
): Operation | undefined {
  return attempt("a call of the AI SDK could not be traced", () => {
    if (telemetryOf(options).isEnabled === false) return undefined;
    const operation = new Operation(options, settings);
    if (isSpanContextValid(operation.span.span.spanContext())) return operation;
    operation.span.end();
    return undefined;
  });
}

/** A model call that has not ended yet. */
export interface OpenCall {
  cancel(): void;
  fail(error: unknown): void;
}

/** One call of `generateText` or `streamText`: its span, and what its model and tool calls tell of it. */
export class Operation implements StreamedOperation {
  readonly span: AgentRunSpan;
  readonly settings: TraceSettings;

  /** The call's own abort signal. */
  readonly signal: AbortSignal | undefined;

  /** Whether the call's own `telemetry` options let inputs and outputs be recorded. */
  readonly recordInputs: boolean;
  readonly recordOutputs: boolean;

  /** Called when the last of the tools that were running is done. */
  onToolsDone: (() => void) | undefined;

  readonly #openCalls = new Set<OpenCall>();
  #failedAttempts = 0;
  #failure: { readonly error: unknown } | undefined;
  #runningTools = 0;
  #iterations = 0;
  #usage: TokenUsage = {};

  constructor(options: CallOptions, settings: TraceSettings) {
    const { functionId, recordInputs, recordOutputs } = telemetryOf(options);
    this.settings = settings;
    this.signal = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
    this.recordInputs = recordInputs !== false;
    this.recordOutputs = recordOutputs !== false;
    this.span = new AgentRunSpan({
      ...(typeof functionId === "string" && functionId !== "" && { agent: { name: functionId } }),
      signal: this.signal,
    });
  }

  get context(): Context {
    return this.span.context;
  }

  get ended(): boolean {
    return this.span.ended;
  }

  touch(): void {
    this.span.touch();
  }

  onClientLeft(listener: () => void): void {
    this.span.onClientLeft(listener);
  }

  onEnded(listener: () => void): void {
    this.span.onEnded(listener);
  }

  /** Which attempt at its step the next model call is, from 1 on. */
  get nextAttempt(): number {
    return this.#failedAttempts + 1;
  }

  get runsTools(): boolean {
    return this.#runningTools > 0;
  }

  callStarted(call: OpenCall): void {
    this.#openCalls.add(call);
    this.#failure = undefined;
  }

  callSucceeded(call: OpenCall, usage: TokenUsage | undefined): void {
    this.#callEnded(call, usage);
    this.#failedAttempts = 0;
    this.#iterations += 1;
    this.span.recordResult({ iterations: this.#iterations });
  }

  callFailed(call: OpenCall, usage: TokenUsage | undefined, error: unknown): void {
    this.#callEnded(call, usage);
    this.#failedAttempts += 1;
    this.#failure ??= { error };
  }

  callCancelled(call: OpenCall, usage: TokenUsage | undefined): void {
    this.#callEnded(call, usage);
  }

  toolStarted(): void {
    this.#runningTools += 1;
  }

  toolEnded(): void {
    this.#runningTools -= 1;
    if (this.#runningTools === 0) this.onToolsDone?.();
  }

  /** The application was told of an error. It is the operation's own, unless another attempt follows. */
  sawError(error: unknown): void {
    this.#failure = { error };
  }

  /**
   * Ends the operation, and what is still open in it: with the outcome; without one as failed, if the last that is known
   * of it is an error, else as a success.
   */
  end(outcome?: Outcome): void {
    const failure = outcome === undefined ? this.#failure : undefined;
    this.#end(() =>
      failure === undefined ? this.span.end(outcome) : this.span.fail(failure.error),
    );
  }

  /** Ends the operation, and what is still open in it, as failed, or as aborted if the error is its signal's reason. */
  fail(error: unknown): void {
    if (this.signal?.aborted === true && this.signal.reason === error) this.abort(error);
    else this.#end(() => this.span.fail(error));
  }

  /** Ends the operation, and what is still open in it, because its signal or a timeout aborted it. */
  abort(reason: unknown): void {
    for (const call of this.#openCalls) call.fail(reason);
    this.#end(() => this.span.fail(reason));
  }

  #callEnded(call: OpenCall, usage: TokenUsage | undefined): void {
    this.#openCalls.delete(call);
    if (usage === undefined) return;
    this.#usage = {
      inputTokens: add(this.#usage.inputTokens, usage.inputTokens),
      outputTokens: add(this.#usage.outputTokens, usage.outputTokens),
    };
    this.span.recordResult({ usage: this.#usage });
  }

  #end(endSpan: () => void): void {
    if (this.span.ended) return;
    for (const call of this.#openCalls) call.cancel();
    endSpan();
  }
}

function telemetryOf({ telemetry, experimental_telemetry }: CallOptions) {
  return telemetry ?? experimental_telemetry ?? {};
}

function add(total: number | undefined, tokens: number | undefined): number | undefined {
  return total === undefined ? tokens : total + (tokens ?? 0);
}
