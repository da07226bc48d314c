/** Which of the built-in redactors are at work. */
export interface RedactorSettings {
  /**
   * E-mail addresses become `[email]`.
   *
   * @default true
   */
  readonly email?: boolean;

  /**
   * Payment card numbers become `[card]`: 13 to 19 digits, in one piece or in groups of at least three parted by spaces
   * or hyphens, with a valid check digit (Luhn).
   *
   * @default true
   */
  readonly card?: boolean;

  /**
   * Credentials behind `Bearer` or `Basic` become `[bearer token]`.
   *
   * @default true
   */
  readonly bearer?: boolean;

  /**
   * API keys of known shapes become `[api key]`: those of OpenAI, Anthropic, AWS, Google, GitHub, Slack, Stripe and
   * Hugging Face, JSON web tokens and private keys in PEM form.
   *
   * @default true
   */
  readonly apiKey?: boolean;
}

/** The names of the built-in redactors. */
export const REDACTORS = ["email", "card", "bearer", "apiKey"] as const;

/** Shorter than anything that the redactors look for. */
const MIN_SECRET_LENGTH = 6;

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
  if (text.length < MIN_SECRET_LENGTH) return text;
  let safe = text;
  if (bearer) safe = safe.replace(CREDENTIALS, withoutCredentials);
  if (apiKey) safe = safe.replace(API_KEY, "[api key]");
  if (email && safe.includes("@")) safe = safe.replace(EMAIL, "[email]");
  if (card) safe = safe.replace(DIGIT_GROUPS, withoutCards);
  return safe;
}

const EMAIL = /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}[\p{L}\p{N}-]+/gu;

const CREDENTIALS =
  /(\bauthorization[\\"'\s]{0,8}[:=][\\"'\s]{0,8})?\b(bearer|basic)\s{1,4}([\w.~+/-]+=*)/gi;

/** `Bearer` and `Basic` are words, too: outside of a header's text, only what looks like a credential is one. */
function withoutCredentials(
  match: string,
  header: string | undefined,
  scheme: string,
  token: string,
  position: number,
  text: string,
): string {
  const looksSecret = (): boolean =>
    scheme.toLowerCase() === "basic"
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
      String.raw`sk-[\w-]{16,}`,
      "A[KS]IA[A-Z0-9]{16,}",
      String.raw`AIza[\w-]{30,}`,
      "gh[oprsu]_[A-Za-z0-9]{20,}",
      String.raw`github_pat_\w{20,}`,
      String.raw`xox[a-z]-[\w-]{10,}`,
      String.raw`[rs]k_(?:live|test)_\w{10,}`,
      "hf_[A-Za-z0-9]{20,}",
    ].join("|")})`,
  ].join("|"),
  "g",
);

/** Digits in groups. What stands in a word, or behind a decimal point, is no card. */
const DIGIT_GROUPS = /(?<![A-Za-z0-9]|\d\.)\d{3,}(?:[ \u00A0-]\d{3,})*(?![A-Za-z0-9])/g;
const SEPARATOR = /([ \u00A0-])/;
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
  // No issuer's numbers begin with 0, 1 or 7; times in milliseconds do.
  if (!/^[2-689]/.test(parts[start] ?? "")) return 0;
  let digits = "";
  let length = 0;
  for (let index = start; index < parts.length && digits.length < MAX_CARD_DIGITS; index += 2) {
    digits += parts[index];
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
