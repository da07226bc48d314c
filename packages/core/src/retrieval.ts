import { SpanKind } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import type { OperationOptions } from "./operation-options.ts";
import { recordableName, spanName } from "./recordable-name.ts";
import {
  GEN_AI_DATA_SOURCE_ID,
  GEN_AI_OPERATION_NAME,
  GEN_AI_PROVIDER_NAME,
  GEN_AI_RETRIEVAL_DOCUMENTS,
  GEN_AI_RETRIEVAL_QUERY_TEXT,
  GEN_AI_RETRIEVAL_TOP_K,
  SERVER_ADDRESS,
  SERVER_PORT,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** Where documents are looked for. */
export interface RetrievalOptions extends OperationOptions {
  /** The vector store, index or search service. */
  readonly dataSource?: string | undefined;

  /** How many documents are asked for. */
  readonly topK?: number | undefined;

  /** Who provides it, by its well-known name where it has one (`openai`, `aws.bedrock`). */
  readonly provider?: string | undefined;

  /** Where it is. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;
}

/** The span of one retrieval. */
export class RetrievalSpan extends SpanHandle {
  constructor(options: RetrievalOptions) {
    const { topK, provider, server } = options;
    const dataSource = recordableName(options.dataSource);
    super({
      ...options,
      name: spanName("retrieval", dataSource),
      kind: SpanKind.CLIENT,
      attributes: {
        [GEN_AI_OPERATION_NAME]: "retrieval",
        ...definedAttributes({
          [GEN_AI_DATA_SOURCE_ID]: dataSource,
          [GEN_AI_RETRIEVAL_TOP_K]: topK,
          [GEN_AI_PROVIDER_NAME]: provider,
          [SERVER_ADDRESS]: server?.address,
          [SERVER_PORT]: server?.port,
        }),
        ...options.attributes,
      },
    });
  }

  /** Records what was searched for, as content. */
  recordQuery(read: () => string): void {
    this.recordContent("input", GEN_AI_RETRIEVAL_QUERY_TEXT, () => read() ?? undefined);
  }

  /** Records the documents that were found (`{ id?, score?, … }` each), as content. */
  recordDocuments(read: () => readonly unknown[]): void {
    this.recordContent("output", GEN_AI_RETRIEVAL_DOCUMENTS, () => read() ?? undefined);
  }
}

/** Retrieves documents inside a span, which ends when what `fn` gives is over. */
export function traceRetrieval<T>(options: RetrievalOptions, fn: (span: RetrievalSpan) => T): T {
  return runAndEnd(new RetrievalSpan(options), fn);
}
