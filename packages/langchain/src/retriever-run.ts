import { RetrievalSpan } from "@waybill/core";
import type { CaptureContent } from "@waybill/core";

import { members, numberMember } from "./members.ts";
import type { OpenedRun, StartingRun } from "./run-lifetime.ts";

/** A retriever that is asked. */
export interface RetrieverCall {
  readonly query: string;
  readonly captureContent: CaptureContent | undefined;
}

/** Opens the span of a retrieval, named like the retriever. */
export function openRetrieval(
  { runName, classPath, context: parent }: StartingRun,
  { query, captureContent }: RetrieverCall,
): OpenedRun {
  const span = new RetrievalSpan({
    dataSource: runName ?? classPath.at(-1),
    parent,
    captureContent,
  });
  span.recordQuery(() => query);
  return {
    operation: {
      span,
      recordResult: (documents) => span.recordDocuments(() => retrievedDocuments(documents)),
    },
  };
}

function retrievedDocuments(documents: unknown): readonly unknown[] {
  return (Array.isArray(documents) ? documents : []).map((document: unknown) => {
    const { id, pageContent, metadata } = members(document);
    return { id, score: numberMember(members(metadata), "score"), content: pageContent, metadata };
  });
}
