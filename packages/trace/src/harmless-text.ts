/** Most texts, told at once. */
const HARMLESS = /^[\u0020-\u007e]*$/;

/** What only colours a text: messages of errors are often written for a terminal. */
// oxlint-disable-next-line no-control-regex -- escape codes begin with a control character
const COLORS = /\u001b\[[\d;:]*m/g;

/** What a terminal would break the line at. */
const LINE_BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** What a terminal would obey (C0, C1, DEL), and what turns the direction of the text after it. */
const COMMANDS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Characters that show nothing. Joiners and selectors stay: emoji and many scripts need them. */
const INVISIBLE = /(?!\p{Join_Control}|\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}/gu;

/**
 * A text that may be written to a terminal whoever wrote it: on one line, without spaces around it, without colours and
 * hidden characters. Everything else that a terminal would obey is shown as `�`, or as `?` where only ASCII is wanted.
 */
export function harmlessText(
  text: string,
  { ascii = false }: { readonly ascii?: boolean } = {},
): string {
  if (HARMLESS.test(text)) return text.trim();
  return text
    .toWellFormed()
    .replaceAll(COLORS, "")
    .replaceAll(LINE_BREAKS, " ")
    .replaceAll(COMMANDS, ascii ? "?" : "\ufffd")
    .replaceAll(INVISIBLE, "")
    .trim();
}
