/**
 * The well-known names of `gen_ai.provider.name`, by what LangChain's packages call their providers, in lower case and
 * without separators.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
 */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ["amazonbedrock", "aws.bedrock"],
  ["awsbedrock", "aws.bedrock"],
  ["bedrock", "aws.bedrock"],
  ["bedrockconverse", "aws.bedrock"],
  ["azure", "azure.ai.openai"],
  ["azureopenai", "azure.ai.openai"],
  ["google", "gcp.gemini"],
  ["googlegenai", "gcp.gemini"],
  ["googlegenerativeai", "gcp.gemini"],
  ["googlevertexai", "gcp.vertex_ai"],
  ["vertexai", "gcp.vertex_ai"],
  ["ibm", "ibm.watsonx.ai"],
  ["watsonx", "ibm.watsonx.ai"],
  ["mistral", "mistral_ai"],
  ["mistralai", "mistral_ai"],
  ["moonshot", "moonshot_ai"],
  ["moonshotai", "moonshot_ai"],
  ["xai", "x_ai"],
]);

/** The provider of a model, by its well-known name or else as LangChain calls it, in lower case. */
export function providerName(provider: unknown): string {
  if (typeof provider !== "string" || provider === "") return "_OTHER";
  const name = provider.toLowerCase();
  return WELL_KNOWN.get(name.replaceAll(/[^a-z0-9]/g, "")) ?? name;
}
