/**
 * The well-known names of `gen_ai.provider.name`, by the beginning of the AI SDK's provider name. The first that fits
 * counts.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
 */
const WELL_KNOWN: readonly (readonly [string, string])[] = [
  ["azure", "azure.ai.openai"],
  ["azure-openai", "azure.ai.openai"],
  ["amazon-bedrock", "aws.bedrock"],
  ["bedrock", "aws.bedrock"],
  ["google.vertex", "gcp.vertex_ai"],
  ["vertex", "gcp.vertex_ai"],
  ["google", "gcp.gemini"],
  ["mistral", "mistral_ai"],
  ["moonshotai", "moonshot_ai"],
  ["xai", "x_ai"],
];

/** The provider of a model, by its well-known name or else by the first word of what the AI SDK calls it. */
export function providerName(provider: unknown): string {
  if (typeof provider !== "string" || provider === "") return "_OTHER";
  const known = WELL_KNOWN.find(
    ([prefix]) => provider === prefix || provider.startsWith(`${prefix}.`),
  );
  return known?.[1] ?? provider.split(".", 1)[0] ?? provider;
}
