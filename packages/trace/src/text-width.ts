const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])|\ufe0f/u;
const NARROW_TEXT = /^[\u0020-\u007e]*$/;
const ZERO_WIDTH = /^[\p{Mark}\u200b-\u200d\ufeff]+$/u;
// Control characters, among them those that begin a terminal's commands or turn the direction of text.
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** How many columns a text takes in a terminal. */
export function textWidth(text: string): number {
  if (NARROW_TEXT.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** A text of exactly `width` columns: padded at its end, or cut there and marked. */
export function fitText(text: string, width: number, ellipsis: string): string {
  const cut = cutText(text, width, ellipsis);
  return cut + " ".repeat(Math.max(0, width - textWidth(cut)));
}

/** A text of at most `width` columns, with a mark at its end if that is not all of it. */
export function cutText(text: string, width: number, ellipsis: string): string {
  if (textWidth(text) <= width) return text;
  const room = width - textWidth(ellipsis);
  let kept = "";
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) {
    columns += graphemeWidth(segment);
    if (columns > room) break;
    kept += segment;
  }
  return room < 0 ? "" : kept + ellipsis;
}

/**
 * A text that may be written to a terminal: on one line, and without a character that the terminal would obey. A span's
 * texts may come from anybody.
 */
export function safeText(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, " ").replaceAll(UNSAFE, "\ufffd");
}

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}
