/** How a piece of the drawing looks. */
export type Style = "agent" | "model" | "tool" | "http" | "error" | "strong" | "faint";

/** Gives a piece of text its look; leaves it alone without one. */
export type Paint = (text: string, style?: Style) => string;

const CODES: Readonly<Record<Style, string>> = {
  agent: "35",
  model: "36",
  tool: "33",
  http: "32",
  error: "31",
  strong: "1",
  faint: "2",
};

/** Paints with ANSI colours. */
export function paintAnsi(text: string, style?: Style): string {
  return style === undefined || text === "" ? text : `\u001b[${CODES[style]}m${text}\u001b[0m`;
}

/** Leaves every text as it is. */
export function paintPlain(text: string): string {
  return text;
}
