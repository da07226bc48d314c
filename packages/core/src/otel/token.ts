const TOKEN = /^[!#$%&'*+\-.^_`|~\da-zA-Z]+$/;

/**
 * Whether `text` is a token: what a baggage key must be.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7230#section-3.2.6
 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
