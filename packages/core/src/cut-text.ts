/**
 * The longest beginning of a text that fits, with a mark (`…[truncated 12 chars]`) if that is not all; `…` or nothing
 * where the mark itself does not fit. Always well-formed.
 *
 * @param maxBytes The most bytes (UTF-8) that the result may have, each character counted by `bytesAt`.
 * @param leftOut How many characters behind this text were left out before; the mark counts them, too.
 */
export function cutText(text: string, maxBytes: number, bytesAt: BytesAt, leftOut = 0): string {
  if (leftOut === 0 && text.length * MAX_CHARACTER_BYTES <= maxBytes) return text.toWellFormed();
  const markBytes = byteLength(truncationMark(text.length + leftOut));
  let bytes = 0;
  let fits = 0;
  let index = 0;
  while (index < text.length && bytes <= maxBytes) {
    const codePoint = text.codePointAt(index) as number;
    index += codePoint > 0xffff ? 2 : 1;
    bytes += bytesAt(codePoint);
    if (bytes <= maxBytes - markBytes) fits = index;
  }
  if (bytes <= maxBytes && leftOut === 0) return text.toWellFormed();
  if (markBytes > maxBytes) return maxBytes >= plainBytes(0x2026) ? "…" : "";
  return `${text.slice(0, fits).toWellFormed()}${truncationMark(text.length - fits + leftOut)}`;
}

function truncationMark(characters: number): string {
  return `…[truncated ${characters} chars]`;
}

/** A control character, as JSON has it. */
const MAX_CHARACTER_BYTES = 6;

/** How many bytes a character takes. */
export type BytesAt = (codePoint: number) => number;

/** In UTF-8. A lone surrogate counts as the replacement character, which it is written as. */
export function plainBytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x1_0000 ? 3 : 4;
}

/** In UTF-8, inside a JSON string. */
export function jsonBytes(codePoint: number): number {
  if (codePoint === 0x22 || codePoint === 0x5c) return 2;
  return codePoint < 0x20 ? 6 : plainBytes(codePoint);
}

/** The length of a well-formed text in bytes (UTF-8). */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts as two, which makes four.
    if (unit >= 0x80) bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
