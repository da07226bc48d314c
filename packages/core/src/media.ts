import { attempt } from "./report-failure.ts";

/** Media in a message: the thing itself, or where it is. */
export interface MediaSource {
  /** The media itself: bytes, a `Blob`, base64 text, or a URL. */
  readonly data?: unknown;

  /** Where it is. A `data:` URL is taken for the media itself. */
  readonly url?: unknown;

  /** Its id at the provider. */
  readonly fileId?: string | undefined;

  /**
   * Its MIME type.
   *
   * @default what a `data:` URL or a `Blob` says of itself
   */
  readonly mediaType?: string | undefined;

  /** What the framework calls the part (`image_url`, `input_audio`): tells the modality where the MIME type does not. */
  readonly kind?: string | undefined;
}

/** A part of a message in the GenAI message schema that tells of media. What is not known is `undefined`. */
export type MediaPart = {
  /** `image`, `audio`, `video`, or else `document`. */
  readonly modality: string;
  readonly mime_type: string | undefined;
} & (
  | { readonly type: "uri"; readonly uri: string }
  | { readonly type: "file"; readonly file_id: string }
  /** Inline data: its size in bytes and its SHA-256 in hexadecimal. */
  | {
      readonly type: "media";
      readonly bytes: number | undefined;
      readonly sha256: string | undefined;
    }
);

/**
 * Tells of media by its type, size and hash, never by its content.
 *
 * - A URL loses its query, fragment and credentials, which may open the media to anyone.
 * - The hash is over the bytes, whatever form they came in, so that the same media is known again. It is computed once
 *   per object (of what the object held then), and left out above 32 MiB, for a `Blob`, and where the runtime has no
 *   `node:crypto`.
 */
export function mediaPart({ data, url, fileId, mediaType, kind = "" }: MediaSource): MediaPart {
  const source = data ?? url;
  const text = source instanceof URL ? source.href : source;
  const inline = typeof text === "string" ? DATA_URL.exec(text) : null;
  const mimeType =
    mediaType ?? (inline?.[1] || (source instanceof Blob && source.type) || undefined);
  const modality = MODALITY.exec(`${mimeType ?? ""} ${kind}`)?.[0].toLowerCase() ?? "document";
  const described = { modality, mime_type: mimeType };

  if (inline === null && typeof text === "string" && URL_SCHEME.test(text)) {
    return { type: "uri", ...described, uri: publicUrl(text) };
  }
  if (source === undefined && fileId !== undefined) {
    return { type: "file", ...described, file_id: fileId };
  }
  const content = inline === null ? text : inlineData(inline.input, inline[0]);
  return { type: "media", ...described, ...sizeAndHash(content) };
}

/** What stands for binary data in recorded content: `[Uint8Array, 300 bytes, sha256 …]`. */
export function mediaMark(value: object): string | undefined {
  if (!isBytes(value) && !(value instanceof Blob)) return undefined;
  return mark(Object.prototype.toString.call(value).slice(8, -1), sizeAndHash(value));
}

/**
 * The beginning of a text, with marks (`[image/png, 300 bytes, sha256 …]`) in the place of `data:` URLs in base64, and of
 * other base64 of at least 1024 characters in one piece.
 *
 * @param maxLength About how many characters the result may have, at the most.
 * @returns The text, and how many characters behind it were not looked at.
 */
export function withoutInlineMedia(
  text: string,
  maxLength: number,
): { readonly text: string; readonly rest: number } {
  if (text.length < MIN_INLINE_LENGTH) return { text, rest: 0 };
  let result = "";
  let position = 0;
  while (position < text.length && result.length < maxLength) {
    const seen = text.slice(position, position + maxLength - result.length);
    const found = INLINE_MEDIA.exec(seen);
    if (found === null) {
      result += seen;
      position += seen.length;
    } else {
      const [match, isDataUrl, mimeType] = found;
      const start = position + found.index + (isDataUrl === undefined ? 0 : match.length);
      BASE64_RUN.lastIndex = start;
      const [data = ""] = BASE64_RUN.exec(text) ?? [];
      result += seen.slice(0, found.index) + mark(mimeType ?? "base64", sizeAndHash(data));
      position = start + data.length;
    }
  }
  return { text: result, rest: text.length - position };
}

const MAX_HASHED_BYTES = 32 * 1024 * 1024;
const MIN_INLINE_LENGTH = "data:;base64,".length;
const MODALITY = /image|audio|video/i;
const URL_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const DATA_URL = /^data:([^;,]*)[^,]*,/i;
const BASE64_RUN = /[A-Za-z0-9+/_-]*={0,2}/y;
const BASE64 = "[A-Za-z0-9+/_-]";

/** A `data:` URL up to its data; or base64 that cannot be text, for it has capitals, small letters and digits. */
const INLINE_MEDIA = new RegExp(
  String.raw`(data:([\w.+-]{1,64}/[\w.+-]{1,64})?(?:;[\w.+=-]{1,64}){0,4};base64,)|` +
    `(?<!${BASE64})(?=${BASE64}{0,1023}[A-Z])(?=${BASE64}{0,1023}[a-z])(?=${BASE64}{0,1023}[0-9])${BASE64}{1024}`,
);

interface SizeAndHash {
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
}

/** Of bytes, of a `Blob`, or of base64. */
function sizeAndHash(data: unknown): SizeAndHash {
  if (isBytes(data)) return { bytes: data.byteLength, sha256: hashOfBytes(data) };
  if (data instanceof Blob) return { bytes: data.size, sha256: undefined };
  if (typeof data !== "string") return { bytes: undefined, sha256: undefined };
  const padding = data.endsWith("==") ? 2 : Number(data.endsWith("="));
  const bytes = Math.floor(((data.length - padding) * 3) / 4);
  return { bytes, sha256: sha256(bytes, data) };
}

type Bytes = ArrayBufferView | ArrayBuffer;

function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

const knownHashes = new WeakMap<Bytes, string>();

function hashOfBytes(data: Bytes): string | undefined {
  const known = knownHashes.get(data);
  if (known !== undefined) return known;
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  const hash = sha256(data.byteLength, bytes);
  if (hash !== undefined) knownHashes.set(data, hash);
  return hash;
}

function sha256(bytes: number, data: string | Uint8Array): string | undefined {
  if (bytes > MAX_HASHED_BYTES) return undefined;
  return attempt("media could not be hashed", () => {
    const hash = globalThis.process?.getBuiltinModule?.("node:crypto")?.createHash("sha256");
    if (typeof data === "string") hash?.update(data, "base64");
    else hash?.update(data);
    return hash?.digest("hex");
  });
}

/** The data of a `data:` URL: base64, or the bytes that its percent-encoded text stands for. */
function inlineData(url: string, head: string): string | Uint8Array {
  const data = url.slice(head.length);
  if (/;base64,$/i.test(head)) return data;
  try {
    return new TextEncoder().encode(decodeURIComponent(data));
  } catch {
    return new TextEncoder().encode(data);
  }
}

function publicUrl(url: string): string {
  return url.replace(/[?#][^]*$/, "").replace(/^([^:]*:\/\/)[^/]*@/, "$1");
}

function mark(name: string, { bytes, sha256: hash }: SizeAndHash): string {
  return `[${name}, ${bytes} bytes${hash === undefined ? "" : `, sha256 ${hash}`}]`;
}
