const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const ASCII = /^[\u0020-\u007e]*$/;

/** Marks that sit on the character before, characters that show nothing, and the later parts of a Hangul syllable. */
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u1160-\u11ff\ud7b0-\ud7ff]/u;

/** East Asian wide and full-width characters, and what is shown as an emoji by itself. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;

/** What is shown as one emoji: a flag, a sign with the emoji selector or a skin tone, a family. */
const EMOJI =
  /^(?:\p{Regional_Indicator}{2}|\p{Emoji}.*[\ufe0f\p{Emoji_Modifier}]|\p{Emoji_Presentation})/su;

/**
 * How many columns a text without control characters takes in a terminal: Chinese, Japanese and Korean characters and
 * emoji two, marks that combine with the character before none, everything else one.
 */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += graphemeWidth(segment);
  return columns;
}

/**
 * A text of at most `columns` columns. One that is longer is cut, and ends with `mark` if there is room for it. The mark
 * is one column wide for each of its characters.
 */
export function cutText(text: string, columns: number, mark: string): string {
  const room = columns - mark.length;
  if (ASCII.test(text)) {
    if (text.length <= columns) return text;
    return room < 0 ? "" : text.slice(0, room) + mark;
  }
  let used = 0;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > columns) return room < 0 ? "" : kept + mark;
    if (used <= room) kept += segment;
  }
  return text;
}

/** A text of exactly `columns` columns: cut as by {@link cutText}, or with spaces at its end. */
export function fitText(text: string, columns: number, mark: string): string {
  const cut = cutText(text, columns, mark);
  return cut + " ".repeat(columns - textWidth(cut));
}

function graphemeWidth(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2;
  let columns = 0;
  for (const character of grapheme) columns += characterWidth(character);
  return columns;
}

function characterWidth(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
