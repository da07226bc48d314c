import { traceMemoryOperation } from "@waybill/core";

/** What was said in a conversation. */
export interface Memory {
  readonly question: string;
  readonly answer: string;
}

/** The conversations of this process, by session. */
export class ConversationMemory {
  readonly #sessions = new Map<string, Memory[]>();

  async search(sessionId: string): Promise<readonly Memory[]> {
    return traceMemoryOperation(
      { operation: "search_memory", type: "conversation" },
      async (span) => {
        const memories = this.#sessions.get(sessionId) ?? [];
        span.recordRecords(memories);
        return memories;
      },
    );
  }

  async add(sessionId: string, memory: Memory): Promise<void> {
    await traceMemoryOperation(
      { operation: "create_memory", type: "conversation" },
      async (span) => {
        this.#sessions.set(sessionId, [...(this.#sessions.get(sessionId) ?? []), memory]);
        span.recordRecords([memory]);
      },
    );
  }
}
