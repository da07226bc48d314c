/** The members of a comma-separated header, one after the other and as they stand there; those without a character not. */
export function* listMembers(header: string): Generator<string, void, undefined> {
  let start = 0;
  while (start < header.length) {
    const comma = header.indexOf(",", start);
    const end = comma === -1 ? header.length : comma;
    if (end > start) yield header.slice(start, end);
    start = end + 1;
  }
}

/**
 * `text` without the spaces and tabs around it. Nothing else counts as white space in a header. Takes time linear in
 * the length, which a regular expression for the end of a text does not.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
