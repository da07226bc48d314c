import { MockLanguageModelV4 } from "ai/test";

type StreamResult = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>;
type GenerateResult = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;

/** A part of a model's stream, as the AI SDK's providers give it. */
export type StreamPart = StreamResult["stream"] extends ReadableStream<infer Part> ? Part : never;

export const USAGE: GenerateResult["usage"] = {
  inputTokens: { total: 30, noCache: 10, cacheRead: 15, cacheWrite: 5 },
  outputTokens: { total: 9, text: 5, reasoning: 4 },
};

/** A model that streams the parts: for what the model server cannot be made to say. */
export function streamingModel(
  parts: () => Iterable<StreamPart> | AsyncIterable<StreamPart>,
): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    modelId: "m",
    doStream: async () => ({ stream: ReadableStream.from(parts()) }),
  });
}

/** Lets everything that is ready to run do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A model that answers "Hello.". */
export function answeringModel({
  provider = "mock",
  usage = USAGE,
}: {
  readonly provider?: string;
  readonly usage?: GenerateResult["usage"];
}): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider,
    modelId: "m",
    doGenerate: {
      content: [{ type: "text", text: "Hello." }],
      finishReason: { unified: "content-filter", raw: "refusal" },
      usage,
      warnings: [],
    },
  });
}
