/** A request to the desk's `POST /chat`. */
export interface ChatRequest {
  readonly url: string;
  readonly user: string;
  readonly sessionId: string;
  readonly question: string;

  /** Leave after this many pieces of the answer. */
  readonly leaveAfterPieces?: number;

  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface ChatResponse {
  readonly status: number;
  readonly text: string;
}

/** Asks a question as a customer's browser would, and reads the streamed answer, or the beginning of it. */
export async function chat(request: ChatRequest): Promise<ChatResponse> {
  const { url, user, sessionId, question, leaveAfterPieces = Infinity, headers } = request;
  const leaving = new AbortController();
  const response = await fetch(`${url}/chat`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${user}`,
      "x-session-id": sessionId,
      ...headers,
    },
    body: JSON.stringify({ question }),
    signal: leaving.signal,
  });

  let text = "";
  let pieces = 0;
  try {
    for await (const event of events(response)) {
      text += String(JSON.parse(event));
      pieces += 1;
      if (pieces >= leaveAfterPieces) leaving.abort();
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
  return { status: response.status, text };
}

/** The data of each server-sent event. */
async function* events(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let buffer = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    const complete = buffer.split("\n\n");
    buffer = complete.pop() ?? "";
    for (const event of complete) {
      if (event.startsWith("data: ")) yield event.slice("data: ".length);
    }
  }
}
