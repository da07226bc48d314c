import { runAndEnd } from "@waybill/core";

import { startOperation } from "./operation.ts";
import type { TracedCall, TraceSettings } from "./traced-call.ts";
import { tracedOptions } from "./traced-options.ts";

/** `generateText`, each call of which is an operation that ends when its promise settles. */
export function tracedGenerateText(generateText: TracedCall, settings: TraceSettings): TracedCall {
  return (options) => {
    const operation = startOperation(options, settings);
    if (operation === undefined) return generateText(options);
    const { span } = operation;
    return runAndEnd(span, () =>
      generateText(span.recording ? tracedOptions(options, operation) : options),
    );
  };
}
