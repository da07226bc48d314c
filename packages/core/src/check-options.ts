/** The type an option must have, in the words of the error message. */
export type OptionType =
  | "array"
  | "array of strings"
  | "boolean"
  | "function"
  | "non-negative integer"
  | "non-negative number"
  | "object"
  | "string";

const CHECKS: Record<OptionType, (value: unknown) => boolean> = {
  array: (value) => Array.isArray(value),
  "array of strings": (value) =>
    Array.isArray(value) && value.every((entry) => typeof entry === "string"),
  boolean: (value) => typeof value === "boolean",
  function: (value) => typeof value === "function",
  "non-negative integer": (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  "non-negative number": (value) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  string: (value) => typeof value === "string",
};

/**
 * Checks a set-up function's options object against the names and types that it knows.
 *
 * @param owner The function whose options these are, for the message.
 * @param known The options' names, each with its type or, if there are several, its types.
 * @throws TypeError naming the option in backticks, if one is unknown or of the wrong type.
 */
export function checkOptions(
  owner: string,
  options: unknown,
  known: Readonly<Record<string, OptionType | readonly OptionType[]>>,
): void {
  if (!CHECKS.object(options)) {
    throw new TypeError(`${owner}: the options must be an object, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options as Record<string, unknown>)) {
    const expected = Object.hasOwn(known, name) ? known[name] : undefined;
    if (expected === undefined) {
      const names = Object.keys(known).join("`, `");
      throw new TypeError(`${owner}: unknown option \`${name}\`; the options are \`${names}\``);
    }
    const types = typeof expected === "string" ? [expected] : expected;
    if (value !== undefined && !types.some((type) => CHECKS[type](value))) {
      throw new TypeError(
        `${owner}: option \`${name}\` must be ${types.map(withArticle).join(" or ")}, got ${show(value)}`,
      );
    }
  }
}

function withArticle(type: OptionType): string {
  return /^[aeo]/.test(type) ? `an ${type}` : `a ${type}`;
}

function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  try {
    const text = JSON.stringify(value) ?? "undefined";
    return text.length > 80 ? `${text.slice(0, 80)}…` : text;
  } catch {
    return typeof value;
  }
}
