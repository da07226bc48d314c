import type { ContentPart, FinishReason, GenerateResult } from "./model-spec.ts";

/** What a model answered, whole or collected from a stream. */
export interface ModelAnswer {
  readonly id?: string | undefined;
  readonly model?: string | undefined;

  /** In the words of the conventions: `tool_call`, `content_filter`. */
  readonly finishReason?: string | undefined;
  readonly usage?: unknown;
  readonly providerMetadata?: unknown;
  readonly content: readonly ContentPart[];
}

/** The answer in a result of `doGenerate`. */
export function answerOf(result: GenerateResult): ModelAnswer {
  const { content = [], finishReason, usage, providerMetadata, response } = result;
  return {
    id: response?.id,
    model: response?.modelId,
    finishReason: reasonName(finishReason),
    usage,
    providerMetadata,
    content,
  };
}

/** Collects the answer from the parts of a stream of `doStream`. */
export class StreamedAnswer {
  /** The error that the model reported in its stream. */
  failure: { readonly error: unknown } | undefined;

  #metadata: ContentPart | undefined;
  #finish: ContentPart | undefined;
  readonly #content: ContentPart[] = [];
  readonly #texts = new Map<unknown, { type: string; text: string }>();
  readonly #keepContent: boolean;

  /** @param keepContent Whether what the model says is kept, and not only what is said about it. */
  constructor(keepContent: boolean) {
    this.#keepContent = keepContent;
  }

  get answer(): ModelAnswer {
    return {
      id: this.#metadata?.["id"] as string | undefined,
      model: this.#metadata?.["modelId"] as string | undefined,
      finishReason: reasonName(this.#finish?.["finishReason"] as FinishReason | undefined),
      usage: this.#finish?.["usage"],
      providerMetadata: this.#finish?.["providerMetadata"],
      content: this.#content,
    };
  }

  add(part: ContentPart): void {
    if (part.type === "response-metadata") this.#metadata = { ...this.#metadata, ...part };
    else if (part.type === "finish") this.#finish = part;
    else if (part.type === "error") this.failure = { error: part["error"] };
    else if (this.#keepContent) this.#addContent(part);
  }

  #addContent(part: ContentPart): void {
    const text = /^(text|reasoning)-(start|delta|end)$/.exec(part.type);
    if (text?.[1] !== undefined) this.#addText(text[1], part);
    else if (WHOLE_PARTS.has(part.type)) this.#content.push(part);
  }

  #addText(type: string, { id, delta }: ContentPart): void {
    const key = `${type} ${String(id)}`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = { type, text: "" };
      this.#texts.set(key, text);
      this.#content.push(text);
    }
    if (typeof delta === "string") text.text += delta;
  }
}

const WHOLE_PARTS: ReadonlySet<string> = new Set([
  "tool-call",
  "tool-result",
  "file",
  "reasoning-file",
  "source",
]);

function reasonName(reason: FinishReason | undefined): string | undefined {
  const name = typeof reason === "object" && reason !== null ? reason.unified : reason;
  if (typeof name !== "string") return undefined;
  return name === "tool-calls" ? "tool_call" : name.replaceAll("-", "_");
}
