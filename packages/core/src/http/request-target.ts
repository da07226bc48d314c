/** The parts of a request target, or of a URL. */
export interface RequestTarget {
  /** Only of an absolute target (`http://example.com/orders`). */
  readonly scheme: string | undefined;

  /** Only of an absolute target. */
  readonly authority: string | undefined;
  readonly path: string;

  /** Without its question mark; empty if there is none. */
  readonly query: string;
}

const TARGET = /^(?:([a-z][a-z\d+.-]*):\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?/i;

/**
 * Takes a request target apart, in whichever form it came. The parts are as they stand there: nothing is decoded.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function parseTarget(target: string): RequestTarget {
  const [, scheme, authority, path = "", query = ""] = TARGET.exec(target) ?? [];
  return { scheme, authority, path: path === "" ? "/" : path, query };
}
