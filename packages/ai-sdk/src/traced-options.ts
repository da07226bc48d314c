import { attempt } from "@waybill/core";

import { isPromiseLike } from "./is-promise-like.ts";
import type { LanguageModel } from "./model-spec.ts";
import type { Operation } from "./operation.ts";
import type { CallOptions } from "./traced-call.ts";
import { tracedModel } from "./traced-model.ts";
import { tracedTools } from "./traced-tools.ts";

/**
 * A copy of a call's options with the model and the tools traced, also those that `prepareStep` brings in. If that
 * fails, the options as they are.
 */
export function tracedOptions(options: CallOptions, operation: Operation): CallOptions {
  const traced = attempt("the options of a call could not be traced", () => {
    const models = new TracedModels(operation);
    const { model, tools, prepareStep } = options;
    return {
      ...options,
      model: models.traced(model),
      ...(isObject(tools) && { tools: tracedTools(tools, operation) }),
      ...(typeof prepareStep === "function" && {
        prepareStep: tracedPrepareStep(prepareStep as PrepareStep, models, operation),
      }),
    };
  });
  return traced ?? options;
}

type PrepareStep = (step: StepOptions) => unknown;
type StepOptions = { readonly model?: unknown };
type StepSettings = { readonly model?: unknown; readonly tools?: unknown };

/** The application's `prepareStep` is shown the model that it gave, and what it returns is traced. */
function tracedPrepareStep(
  prepareStep: PrepareStep,
  models: TracedModels,
  operation: Operation,
): PrepareStep {
  const trace = (settings: unknown): unknown =>
    attempt("the settings of a step could not be traced", () =>
      tracedSettings(settings, models, operation),
    ) ?? settings;
  return (step) => {
    const settings = prepareStep({ ...step, model: models.original(step.model) });
    return isPromiseLike(settings) ? settings.then(trace) : trace(settings);
  };
}

function tracedSettings(settings: unknown, models: TracedModels, operation: Operation): unknown {
  if (!isObject(settings)) return settings;
  const { model, tools } = settings as StepSettings;
  if (model === undefined && tools === undefined) return settings;
  return {
    ...settings,
    ...(model !== undefined && { model: models.traced(model) }),
    ...(isObject(tools) && { tools: tracedTools(tools, operation) }),
  };
}

/** The models of one operation, each traced once. */
class TracedModels {
  readonly #operation: Operation;
  readonly #traced = new Map<unknown, LanguageModel>();
  readonly #originals = new Map<unknown, LanguageModel>();

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  /** A model, traced. What cannot be resolved to a model is returned: the AI SDK has an error for it. */
  traced(given: unknown): unknown {
    const known = this.#traced.get(given);
    if (known !== undefined) return known;
    const model = typeof given === "string" ? this.#resolve(given) : given;
    if (!isModel(model)) return given;
    const traced = tracedModel(model, this.#operation);
    this.#traced.set(given, traced);
    this.#originals.set(traced, model);
    return traced;
  }

  original(model: unknown): unknown {
    return this.#originals.get(model) ?? model;
  }

  #resolve(id: string): unknown {
    const { AI_SDK_DEFAULT_PROVIDER: provider } = globalThis as {
      AI_SDK_DEFAULT_PROVIDER?: unknown;
    };
    const { gateway } = this.#operation.settings.ai;
    try {
      return ((provider ?? gateway) as LanguageModelProvider).languageModel(id);
    } catch {
      // The AI SDK comes to the same error, and throws it as it always does.
      return undefined;
    }
  }
}

interface LanguageModelProvider {
  languageModel(id: string): unknown;
}

function isModel(value: unknown): value is LanguageModel {
  return (
    isObject(value) &&
    typeof (value as Partial<LanguageModel>).doGenerate === "function" &&
    typeof (value as Partial<LanguageModel>).doStream === "function"
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
