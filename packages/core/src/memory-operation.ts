import { SpanKind } from "@opentelemetry/api";

import { definedAttributes } from "./defined-attributes.ts";
import { runAndEnd } from "./end-when-over.ts";
import type { OperationOptions } from "./operation-options.ts";
import { boundedText, recordableName } from "./recordable-name.ts";
import { reportFailure } from "./report-failure.ts";
import {
  GEN_AI_MEMORY_QUERY_TEXT,
  GEN_AI_MEMORY_RECORD_COUNT,
  GEN_AI_MEMORY_RECORD_ID,
  GEN_AI_MEMORY_RECORDS,
  GEN_AI_MEMORY_STORE_ID,
  GEN_AI_OPERATION_NAME,
  GEN_AI_PROVIDER_NAME,
  SERVER_ADDRESS,
  SERVER_PORT,
  WAYBILL_MEMORY_TYPE,
} from "./semconv.ts";
import { SpanHandle } from "./span-handle.ts";

/** The memory operations of the GenAI conventions. */
export type MemoryOperationName =
  | "search_memory"
  | "create_memory"
  | "update_memory"
  | "upsert_memory"
  | "delete_memory"
  | "create_memory_store"
  | "delete_memory_store";

/** Which memory is used, and how. */
export interface MemoryOperationOptions extends OperationOptions {
  readonly operation: MemoryOperationName;

  /** The kind of memory (`conversation`, `profile`), as `waybill.memory.type`. */
  readonly type?: string;

  readonly storeId?: string;
  readonly recordId?: string;

  /** Who provides it, by its well-known name where it has one (`openai`, `aws.bedrock`). */
  readonly provider?: string | undefined;

  /** Where it is. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;

  /**
   * Whether the memory is in another process.
   *
   * @default false
   */
  readonly remote?: boolean;
}

/** The span of one memory operation. */
export class MemoryOperationSpan extends SpanHandle {
  constructor(options: MemoryOperationOptions) {
    const { operation, type, provider, server, remote = false } = options;
    super({
      ...options,
      name: operation,
      kind: remote ? SpanKind.CLIENT : SpanKind.INTERNAL,
      attributes: {
        [GEN_AI_OPERATION_NAME]: operation,
        ...definedAttributes({
          [GEN_AI_MEMORY_STORE_ID]: boundedText(options.storeId),
          [GEN_AI_MEMORY_RECORD_ID]: boundedText(options.recordId),
          [GEN_AI_PROVIDER_NAME]: provider,
          [SERVER_ADDRESS]: server?.address,
          [SERVER_PORT]: server?.port,
          [WAYBILL_MEMORY_TYPE]: recordableName(type),
        }),
        ...options.attributes,
      },
    });
  }

  /** Records what was searched for, as content. */
  recordQuery(read: () => string): void {
    this.recordContent("memory", GEN_AI_MEMORY_QUERY_TEXT, () => read() ?? undefined);
  }

  /** Records how many records were found (search) or were to be changed (all others), and, as content, the records. */
  recordRecords(records: readonly unknown[]): void {
    if (!Array.isArray(records))
      return reportFailure("memory records are no array; they were left out");
    this.setAttributes({ [GEN_AI_MEMORY_RECORD_COUNT]: records.length });
    this.recordContent("memory", GEN_AI_MEMORY_RECORDS, () => records);
  }
}

/** Uses a memory inside a span, which ends when what `fn` gives is over. */
export function traceMemoryOperation<T>(
  options: MemoryOperationOptions,
  fn: (span: MemoryOperationSpan) => T,
): T {
  return runAndEnd(new MemoryOperationSpan(options), fn);
}
