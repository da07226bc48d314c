/** Which of the built-in redactors are at work. */
export interface RedactorSettings {
  /**
   * E-mail addresses become `[email]`, percent-encoded ones (`ada%40example.com`), too.
   *
   * @default true
   */
  readonly email?: boolean;

  /**
   * Payment card numbers become `[card]`: 13 to 19 digits, in one piece or in groups of at least three parted by spaces,
   * hyphens, dots or line breaks, with a valid check digit (Luhn).
   *
   * @default true
   */
  readonly card?: boolean;

  /**
   * Credentials behind `Bearer` or `Basic`, and in an `Authorization` header behind `Token` or `ApiKey`, become
   * `[bearer token]`; a password in a URL becomes `[password]`.
   *
   * @default true
   */
  readonly bearer?: boolean;

  /**
   * API keys of known shapes become `[api key]`: those of OpenAI, Anthropic, xAI, Groq, Perplexity, Replicate, Hugging
   * Face, AWS, Google, GitHub, GitLab, npm, Slack and Stripe, JSON web tokens and private keys in PEM form; and whatever
   * stands behind `x-api-key:`, `api_key=` and the like.
   *
   * @default true
   */
  readonly apiKey?: boolean;
}

/** The names of the built-in redactors. */
export const REDACTORS = ["email", "card", "bearer", "apiKey"] as const;

/** Too short for anything that the redactors look for, or nothing but small letters. Most names are like that. */
const HARMLESS = /^(?:[^]{0,5}|[A-Za-z][\w-]{0,13}|[a-z_.-]*)$/;

/**
 * A text without the secrets and the personal data that are known by their shape.
 *
 * Its time is linear in the length of the text: no pattern begins twice in what it has once failed on, because a
 * lookbehind bars its own characters, or because it can no longer fail after a bounded number of characters.
 */
export function redactSecrets(
  text: string,
  { email = true, card = true, bearer = true, apiKey = true }: RedactorSettings = {},
): string {
  if (HARMLESS.test(text)) return text;
  let safe = text;
  // Most names have none, and then nothing stands behind anything in them.
  const hasSeparators = /[\s:=]/.test(text);
  if (bearer && hasSeparators) {
    safe = safe
      .replace(CREDENTIALS, withoutCredentials)
      .replace(URL_PASSWORD, (_match, before: string) => `${before}[password]@`);
  }
  if (apiKey) {
    safe = safe.replace(API_KEY, "[api key]");
    if (hasSeparators) safe = safe.replace(NAMED_KEY, (_match, name: string) => `${name}[api key]`);
  }
  if (email && /@|%40/.test(safe)) safe = safe.replace(EMAIL, "[email]");
  if (card) safe = safe.replace(DIGIT_GROUPS, withoutCards);
  return safe;
}

const LOCAL = String.raw`[\p{L}\p{N}._%+-]`;
const EMAIL = new RegExp(
  `(?<!${LOCAL})(?:${LOCAL}{1,64}'){0,2}${LOCAL}+(?:@|%40)` +
    String.raw`(?:[\p{L}\p{N}-]+\.)+\p{L}[\p{L}\p{N}-]+`,
  "gu",
);

/** Between a name and its value: in a header, in JSON, in JSON in JSON. */
const ASSIGNED = String.raw`[\\"'\s]{0,8}[:=][\\"'\s]{0,8}`;
const CREDENTIALS = new RegExp(
  String.raw`(?:(\bauthorization${ASSIGNED})(?:bearer|basic|token|api-?key)|\b(bearer|basic))\s{1,4}([\w.~+/-]+=*)`,
  "gi",
);
const NAMED_KEY = new RegExp(String.raw`(\b(?:x-)?api[-_]?key${ASSIGNED})[\w.~+/-]{8,}=*`, "gi");
const URL_PASSWORD = /(:\/\/[^\s/?#@:"'<>]{0,256}:)[^\s/?#"'<>]{1,256}@/g;

/** `Bearer` and `Basic` are words, too: outside of a header's text, only what looks like a credential is one. */
function withoutCredentials(
  match: string,
  header: string | undefined,
  scheme: string | undefined,
  token: string,
  position: number,
  text: string,
): string {
  const looksSecret = (): boolean =>
    scheme?.toLowerCase() === "basic"
      ? isBasicCredential(token)
      : match.length === text.length ||
        token.length >= 20 ||
        (token.length >= 8 && /\d/.test(token));
  return header !== undefined || looksSecret() ? `${header ?? ""}[bearer token]` : match;
}

/** Whether it is a name and a password, parted by a colon, in base64. */
function isBasicCredential(token: string): boolean {
  const base64 = token.replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]+$/.test(base64) || base64.length % 4 === 1) return false;
  const decoded = atob(base64);
  return decoded.includes(":") && !/\p{Cc}/u.test(decoded);
}

const PRIVATE_KEY = "[A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----";
const API_KEY = new RegExp(
  [
    // One whose end is missing is taken to reach to the end of the text.
    String.raw`-----BEGIN ${PRIVATE_KEY}[^]*?(?:-----END ${PRIVATE_KEY}|$)`,
    // JSON web token: a JSON object, its payload and its signature
    String.raw`(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*`,
    `(?<![A-Za-z0-9])(?:${[
      // A word with hyphens is none.
      String.raw`sk-(?=[\w-]{0,63}[A-Z\d])[\w-]{16,}`,
      "A[KS]IA[A-Z0-9]{16,}",
      String.raw`AIza[\w-]{30,}`,
      "(?:gh[oprsu]_|xai-|gsk_|pplx-|r8_|npm_|hf_)[A-Za-z0-9]{20,}",
      String.raw`(?:github_pat_|glpat-|ya29\.)[\w-]{20,}`,
      String.raw`xox[a-z]-[\w-]{10,}`,
      String.raw`[rs]k_(?:live|test)_\w{10,}`,
    ].join("|")})`,
  ].join("|"),
  "g",
);

/** Digits in groups. What stands at the end of a word, or behind a decimal point, is no card. */
const DIGIT_GROUPS = /(?<![A-Za-z0-9]|\d\.)\d{3,}(?:(?:[ \u00A0.-]|\r?\n)\d{3,})*/g;
const SEPARATOR = /([ \u00A0.-]|\r?\n)/;
/** These also part numbers from each other, and a number from its decimals. */
const STRICT_SEPARATOR = /[.\n]/;
const MAX_GROUP_DIGITS = 6;
const MIN_CARD_DIGITS = 13;
const MAX_CARD_DIGITS = 19;

function withoutCards(run: string): string {
  if (run.length < MIN_CARD_DIGITS) return run;
  const parts = run.split(SEPARATOR);
  const safe: string[] = [];
  for (let index = 0; index < parts.length;) {
    const length = cardLength(parts, index);
    safe.push(length > 0 ? "[card]" : (parts[index] ?? ""));
    index += Math.max(1, length);
    safe.push(parts[index] ?? "");
    index += 1;
  }
  return safe.join("");
}

/**
 * How many parts the longest card number has that begins at this one; 0 if none does.
 *
 * @param parts Groups of digits, with a separator between each two.
 */
function cardLength(parts: readonly string[], start: number): number {
  // No issuer's numbers begin with 0, 1, 20, 21 or 7; times in milliseconds and years do.
  if (parts[start - 1] === "." || !/^(?:[3-689]|2[2-9])/.test(parts[start] ?? "")) return 0;
  const separator = parts[start + 1] ?? "";
  let digits = "";
  let length = 0;
  for (let index = start; index < parts.length && digits.length < MAX_CARD_DIGITS; index += 2) {
    const group = parts[index] ?? "";
    const before = parts[index - 1] ?? "";
    const isStrict = index > start && STRICT_SEPARATOR.test(before + separator);
    if (isStrict && (before !== separator || group.length > MAX_GROUP_DIGITS)) break;
    digits += group;
    const isWhole = digits.length >= MIN_CARD_DIGITS && digits.length <= MAX_CARD_DIGITS;
    if (isWhole && hasCheckDigit(digits)) length = index + 1 - start;
  }
  return length;
}

/** @see https://www.iso.org/standard/70484.html ISO/IEC 7812-1, annex B */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let index = 1; index <= digits.length; index += 1) {
    const digit = Number(digits.charAt(digits.length - index));
    const weighed = index % 2 === 0 ? digit * 2 : digit;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}
