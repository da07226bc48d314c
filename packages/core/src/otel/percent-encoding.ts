const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

const OCTET = /^[\da-f]{2}$/i;

/** A percent sign that does not encode an ASCII character. */
const BEYOND_ASCII = /%(?![0-7][\da-f])/i;

/** Everything but baggage octets, and of these the percent sign and the plus sign. */
const ENCODED = /[^!#$&-*\--:<-[\]-~]+/gu;

/**
 * `text` with what may not stand in a baggage header encoded: control characters, line breaks, white space, quotes,
 * commas, semicolons, backslashes, percent signs and all that is not ASCII; a lone surrogate becomes U+FFFD.
 *
 * Plus signs are encoded too, which a header does not need, because some readers take them for spaces.
 */
export function percentEncode(text: string): string {
  return text.toWellFormed().replace(ENCODED, encodeURIComponent);
}

/**
 * `text`, which is ASCII, decoded. What is no UTF-8 becomes U+FFFD; a percent sign without two hexadecimal digits
 * behind it stands for itself.
 */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  return BEYOND_ASCII.test(text) ? UTF8.decode(octets(text)) : decodeURIComponent(text);
}

function octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let index = 0; index < text.length; index += 1, length += 1) {
    const hex = text.charAt(index) === "%" ? text.slice(index + 1, index + 3) : "";
    const isEncoded = OCTET.test(hex);
    bytes[length] = isEncoded ? Number.parseInt(hex, 16) : text.charCodeAt(index);
    if (isEncoded) index += hex.length;
  }
  return bytes.subarray(0, length);
}
