import { attempt } from "@waybill/core";

import { ModelCall } from "./model-call.ts";
import type {
  GenerateResult,
  LanguageModel,
  ModelCallOptions,
  StreamResult,
} from "./model-spec.ts";
import type { Operation } from "./operation.ts";
import { withMethods } from "./with-methods.ts";

/**
 * A model that opens a `chat` span in the operation each time the AI SDK calls it, so one for each attempt, and runs
 * inside it. For models of the specifications v2, v3 and v4.
 */
export function tracedModel(model: LanguageModel, operation: Operation): LanguageModel {
  return withMethods(model, {
    doGenerate: (options: ModelCallOptions) => generate(model, options, operation),
    doStream: (options: ModelCallOptions) => stream(model, options, operation),
  });
}

async function generate(
  model: LanguageModel,
  options: ModelCallOptions,
  operation: Operation,
): Promise<GenerateResult> {
  const call = new ModelCall(model, options, operation, { streaming: false });
  let result: GenerateResult;
  try {
    result = await call.run(() => model.doGenerate(options));
  } catch (error) {
    call.fail(error);
    throw error;
  }
  call.succeed(result);
  return result;
}

async function stream(
  model: LanguageModel,
  options: ModelCallOptions,
  operation: Operation,
): Promise<StreamResult> {
  const call = new ModelCall(model, options, operation, { streaming: true });
  let result: StreamResult;
  try {
    result = await call.run(() => model.doStream(options));
  } catch (error) {
    call.fail(error);
    throw error;
  }
  // Nobody reads what an operation does that is over already: the stream would never end.
  const tapped = operation.span.ended
    ? undefined
    : attempt("a model's stream could not be traced", () => call.tap(result.stream));
  if (tapped === undefined) {
    call.cancel();
    return result;
  }
  return { ...result, stream: tapped };
}
