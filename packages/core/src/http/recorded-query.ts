import { recordableText } from "../content-policy.ts";
import type { TraceMiddlewareOptions } from "./middleware-options.ts";

const REDACTED = "REDACTED";

/** Names that stand for a credential by themselves. */
const SENSITIVE_WORDS: ReadonlySet<string> = new Set(
  "auth authorization code cookie jwt key otp passcode passphrase pin session sessionid sid sig".split(
    " ",
  ),
);

/** What names a credential wherever it stands in a key: `X-Amz-Security-Token`, `AWSAccessKeyId`, `clientSecret`. */
const SENSITIVE_PART = /token|secret|passw|pwd|apikey|accesskey|privatekey|credential|signature/;

/**
 * What may be recorded of a query. A key stays as it was sent.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server for the keys that must be redacted
 */
export function recordedQuery(
  query: string,
  mode: NonNullable<TraceMiddlewareOptions<never>["query"]>,
  maxLength: number,
): string | undefined {
  if (query === "" || mode === "drop") return undefined;
  const text = query.slice(0, maxLength);
  if (mode === "redact") {
    return text.replaceAll(/=[^&]*/g, `=${REDACTED}`).slice(0, maxLength);
  }
  // What was cut off its end might no longer be known for a secret.
  const isCut = text.length < query.length;
  const pairs = text.split("&");
  return pairs
    .map((pair, index) => recordedPair(pair, mode, isCut && index === pairs.length - 1))
    .join("&")
    .slice(0, maxLength);
}

function recordedPair(
  pair: string,
  mode: "keep" | { readonly keep: readonly string[] },
  isCut: boolean,
): string {
  const equals = pair.indexOf("=");
  if (equals === -1) return isHarmless(pair) ? pair : REDACTED;
  const key = decoded(pair.slice(0, equals));
  const isKept = mode === "keep" || mode.keep.includes(key);
  const mayStay = isKept && !isCut && !isSensitive(key) && isHarmless(pair.slice(equals + 1));
  return mayStay ? pair : `${pair.slice(0, equals)}=${REDACTED}`;
}

function isSensitive(key: string): boolean {
  const name = key.replaceAll(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return (
    SENSITIVE_PART.test(name.replaceAll(/[^a-z]/g, "")) ||
    name.split(/[^a-z]+/).some((word) => SENSITIVE_WORDS.has(word))
  );
}

/** A semicolon parts pairs for some, which may then hide a key. */
function isHarmless(value: string): boolean {
  const text = decoded(value);
  return !text.includes(";") && recordableText(text) === text;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
