import { checkOptions } from "../check-options.ts";
import { isToken } from "../otel/token.ts";
import { checkSettings } from "../settings.ts";
import { checkBaggageKeys } from "./check-baggage-keys.ts";
import type { TraceMiddlewareOptions } from "./middleware-options.ts";

const OWNER = "traceMiddleware";
const SENSITIVE_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
]);

/**
 * Checks the options that a user gave to `traceMiddleware`.
 *
 * @throws TypeError naming the option, if one is unknown or of the wrong type, a baggage key that cannot be accepted, or
 * a header that must not be recorded.
 */
export function checkMiddlewareOptions(options: TraceMiddlewareOptions<never>): void {
  checkOptions(OWNER, options, {
    trust: ["string", "function"],
    baggage: "object",
    identify: "function",
    ignore: ["array of strings", "function"],
    route: "function",
    spanName: "function",
    requestHeaders: "array of strings",
    responseHeaders: "array of strings",
    allowSensitiveHeaders: "boolean",
    query: ["string", "object"],
    scrubPath: "function",
    trustProxy: ["boolean", "non-negative integer"],
    recordException: ["boolean", "function"],
    clientAbort: ["string", "function"],
    serverTiming: "boolean",
    captureContent: ["boolean", "object"],
    adopt: "string",
    onStart: "function",
    onEnd: "function",
  });
  const { baggage, captureContent, query } = options;
  checkWord("trust", options.trust, ["continue", "link", "ignore"]);
  checkWord("query", query, ["redact", "drop", "keep"]);
  checkWord("clientAbort", options.clientAbort, ["error", "unset"]);
  checkWord("adopt", options.adopt, ["auto", "never"]);
  if (typeof query === "object") {
    checkOptions(`${OWNER} \`query\``, query, { keep: "array of strings" });
    if (query.keep === undefined) throw new TypeError(`${OWNER}: option \`query\` lacks \`keep\``);
  }
  if (captureContent !== undefined) checkSettings(OWNER, { captureContent });
  if (baggage !== undefined) {
    checkOptions(`${OWNER} \`baggage\``, baggage, {
      accept: "array of strings",
      maxMembers: "non-negative integer",
      maxBytes: "non-negative integer",
      maxValueLength: "non-negative integer",
    });
    checkBaggageKeys(`${OWNER} \`baggage\``, "accept", baggage.accept ?? []);
  }
  checkHeaders("requestHeaders", options);
  checkHeaders("responseHeaders", options);
}

function checkWord(option: string, value: unknown, words: readonly string[]): void {
  if (typeof value !== "string" || words.includes(value)) return;
  const known = words.map((word) => JSON.stringify(word)).join(", ");
  throw new TypeError(
    `${OWNER}: option \`${option}\` must be one of ${known}, got ${JSON.stringify(value)}`,
  );
}

function checkHeaders(
  option: "requestHeaders" | "responseHeaders",
  options: TraceMiddlewareOptions<never>,
): void {
  for (const name of options[option] ?? []) {
    if (!isToken(name)) {
      const got = JSON.stringify(name);
      throw new TypeError(`${OWNER}: option \`${option}\` lists ${got}, which is no header's name`);
    }
    if (SENSITIVE_HEADERS.has(name.toLowerCase()) && options.allowSensitiveHeaders !== true) {
      throw new TypeError(
        `${OWNER}: option \`${option}\` lists \`${name}\`, which holds credentials; ` +
          "if it shall be recorded nevertheless, set `allowSensitiveHeaders`",
      );
    }
  }
}
