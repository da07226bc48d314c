import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import { ModelCallSpan } from "./model-call-span.ts";
import type { ModelCallOptions, ModelCallResponse } from "./model-call-span.ts";
import { attempt } from "./report-failure.ts";
import { GEN_AI_EMBEDDINGS_DIMENSION_COUNT, GEN_AI_REQUEST_ENCODING_FORMATS } from "./semconv.ts";

/** Which model makes embeddings, and how. */
export interface EmbeddingsOptions extends ModelCallOptions {
  /** The formats that are asked for (`float`, `base64`). */
  readonly encodingFormats?: readonly string[] | undefined;

  /** How many dimensions are asked for. */
  readonly dimensions?: number | undefined;
}

/** What is recorded of the embeddings. They themselves never are. */
export interface EmbeddingsResponse extends ModelCallResponse {
  /** How many dimensions each embedding has. */
  readonly dimensions?: number | undefined;
}

/** The span of one call of an embedding model. */
export class EmbeddingsSpan extends ModelCallSpan {
  constructor(options: EmbeddingsOptions) {
    super("embeddings", options);
    this.setAttributes(
      definedAttributes({
        [GEN_AI_REQUEST_ENCODING_FORMATS]: options.encodingFormats,
        [GEN_AI_EMBEDDINGS_DIMENSION_COUNT]: options.dimensions,
      }),
    );
  }

  override recordResponse(response: EmbeddingsResponse): void {
    super.recordResponse(response);
    attempt("a response could not be recorded", () =>
      this.setAttributes(
        definedAttributes({ [GEN_AI_EMBEDDINGS_DIMENSION_COUNT]: response.dimensions }),
      ),
    );
  }
}

/** Makes embeddings inside an `embeddings {model}` span, which ends when what `fn` gives is over. */
export function traceEmbeddings<T>(options: EmbeddingsOptions, fn: (span: EmbeddingsSpan) => T): T {
  return runAndEnd(new EmbeddingsSpan(options), fn);
}
