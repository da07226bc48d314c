import { configureWaybill, withSpan } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { DEFAULT_SETTINGS, recordedContent } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

function redacted(text: string): string {
  return recordedContent(recording, text);
}

/** Looks like a token, and is none. */
function token(length: number): string {
  return "aB3".repeat(length).slice(0, length);
}

const JWT = `eyJ${token(20)}.${token(40)}.${token(30)}`;
const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${token(64)}\n${token(20)}==\n-----END RSA PRIVATE KEY-----`;

describe("the built-in redactors", () => {
  it.each([
    [
      "an address",
      "write to ada.lovelace+news@mail.example.co.uk, please",
      "write to [email], please",
    ],
    ["an address in brackets", "Ada <ada@example.com>", "Ada <[email]>"],
    ["an address with letters of other alphabets", "jörg@müller.de", "[email]"],
    ["an address behind a name", "mail=ada@example.com;", "mail=[email];"],
    ["a percent-encoded address", "?to=john%40example.com&a=1", "?to=[email]&a=1"],
    ["an address with an apostrophe", "it's o'brien@example.com", "it's [email]"],
    ["an address in quotes", "'ada@example.com'", "'[email]'"],
    ["a password in a URL of a short host", "redis://:hun@ter2@db/0", "redis://:[password]@db/0"],
    [
      "a password in a URL",
      "postgres://ada:pw@db.example.com/x",
      "postgres://ada:[password]@db.example.com/x",
    ],

    ["a card number", "pay with 4111111111111111.", "pay with [card]."],
    ["a card number in groups", "5500 0000 0000 0004", "[card]"],
    ["a card number with dots", "4111.1111.1111.1111", "[card]"],
    [
      "a card number over lines",
      "4111\n1111\n1111\n1111, 5500\r\n0000\r\n0000\r\n0004",
      "[card], [card]",
    ],
    ["a card number before a currency", "4111111111111111USD", "[card]USD"],
    ["a card number with hyphens", "card-3782-822463-10005;", "card-[card];"],
    ["a card number of 13 digits", "4222222222222", "[card]"],
    ["a card number of 19 digits", "6304 0000 0000 0000 000", "[card]"],
    [
      "a card number behind other numbers",
      "order 222 4111 1111 1111 1111 12",
      "order 222 [card] 12",
    ],
    [
      "card numbers in lines",
      "4111111111111111\n5500000000000004\n3782 822463 10005\n4111-1111-1111-1111",
      "[card]\n[card]\n[card]\n[card]",
    ],
    ["a card number before an amount", "4111111111111111.123", "[card].123"],
    ["two card numbers", "4111111111111111 5500000000000004", "[card] [card]"],

    ["a bearer token", `authorization: Bearer ${token(30)}`, "authorization: [bearer token]"],
    [
      "a short bearer token in a header",
      '{"Authorization":"bearer abc"}',
      '{"Authorization":"[bearer token]"}',
    ],
    [
      "a header in JSON in JSON",
      String.raw`{\"authorization\":\"Bearer abc\"}`,
      String.raw`{\"authorization\":\"[bearer token]\"}`,
    ],
    ["a bearer token as all there is", "Bearer opaque", "[bearer token]"],
    [
      "a bearer token in a sentence",
      "it sent Bearer abc12345 twice",
      "it sent [bearer token] twice",
    ],
    ["basic credentials", `curl -H 'Basic ${btoa("ada:pw")}'`, "curl -H '[bearer token]'"],
    [
      "basic credentials in a header",
      "Proxy-Authorization: Basic xyz==",
      "Proxy-Authorization: [bearer token]",
    ],

    [
      "a token in a header",
      "Authorization: Token abcdef1234567890",
      "Authorization: [bearer token]",
    ],
    [
      "an API key in a header in JSON in JSON",
      String.raw`{\"Authorization\":\"ApiKey abcdef\"}`,
      String.raw`{\"Authorization\":\"[bearer token]\"}`,
    ],
    ["what is named an API key", "x-api-key: 8f14e45fceea167a", "x-api-key: [api key]"],
    ["what JSON names an API key", '{"api_key":"8f14e45fceea167a"}', '{"api_key":"[api key]"}'],

    ["xAI", `xai-${token(40)}`, "[api key]"],
    ["Groq", `gsk_${token(40)}`, "[api key]"],
    ["Perplexity", `pplx-${token(40)}`, "[api key]"],
    ["Replicate", `r8_${token(36)}`, "[api key]"],
    ["GitLab", `glpat-${token(20)}`, "[api key]"],
    ["npm", `npm_${token(36)}`, "[api key]"],
    ["Google, OAuth", `ya29.${token(40)}`, "[api key]"],
    ["OpenAI", `key sk-proj-${token(40)}!`, "key [api key]!"],
    ["Anthropic", `sk-ant-api03-${token(40)}`, "[api key]"],
    ["AWS", `AKIA${"A1B2".repeat(4)} ASIA${"A1B2".repeat(4)}`, "[api key] [api key]"],
    ["Google", `?key=AIza${token(35)}&x=1`, "?key=[api key]&x=1"],
    [
      "GitHub",
      `ghp_${token(36)} gho_${token(36)} ghs_${token(36)}`,
      "[api key] [api key] [api key]",
    ],
    ["GitHub, fine-grained", `github_pat_${token(22)}_${token(59)}`, "[api key]"],
    ["Slack", `xoxb-123456789012-${token(24)}`, "[api key]"],
    ["Stripe", `sk_live_${token(24)},rk_live_${token(24)}`, "[api key],[api key]"],
    ["Hugging Face", `hf_${token(34)}`, "[api key]"],
    ["a JSON web token", `token=${JWT};`, "token=[api key];"],
    ["a private key", `cert\n${PEM}\nend`, "cert\n[api key]\nend"],
    ["a private key without its end", `cert\n${PEM.slice(0, 60)}`, "cert\n[api key]"],
  ])("take out %s", (_title, text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  it.each([
    ["@waybill/core@1.2.3 and user@localhost"],
    ["a@b"],
    ["4111111111111112"],
    ["1700000000000 1700000000000000"],
    ["0.4111111111111111"],
    ["a4111111111111111"],
    ["512.4111111111111111 4111.4111111111111111"],
    ["2019\n2020\n2021\n2022 255.255.255.255"],
    ["sk-learn-is-a-great-library, task-oriented-sk-learn-version-of-it"],
    ["authorization: required, the token of appreciation, api key: required"],
    ["https://example.com:8080/a@b http://localhost:3000/"],
    ["12 34 56 78 90 12 34 56 78"],
    ["550e8400-e29b-41d4-a716-446655440000"],
    ["the bearer of bad news, a basic understanding, Basic plan"],
    ["task-management-software-for-teams"],
    ["sk-short, hf_short, eyJhbGciOiJIUzI1NiJ9"],
    ["-----BEGIN CERTIFICATE-----"],
  ])("leave alone %j", (text) => {
    expect(redacted(text)).toBe(text);
  });

  it.each([
    ["email", "ada@example.com"],
    ["card", "4111111111111111"],
    ["bearer", "Authorization: Bearer abc"],
    ["apiKey", JWT],
  ])("can be switched off one by one: %s", (name, secret) => {
    configureWaybill({ redactors: { [name]: false } });
    expect(redacted(secret)).toBe(secret);
    const all = "ada@example.com 4111111111111111 Basic YWRhOnB3 AKIAA1B2A1B2A1B2A1B2";
    expect(redacted(all).match(/\[[a-z ]+\]/g)).toHaveLength(3);

    configureWaybill({ redactors: {} });
    expect(redacted(secret)).not.toContain(secret);
  });

  it("come before the `redact` function, on keys and long numbers as on texts", () => {
    const seen: [string, string][] = [];
    configureWaybill({
      redact(value, path) {
        seen.push([path.join("."), value]);
        return value;
      },
    });

    const value = { users: { "ada@example.com": 4_111_111_111_111_111, "bob@example.com": 12n } };
    expect(recordedContent(recording, value)).toBe(
      '{"users":{"[email]":"[card]","[email] (2)":"12"}}',
    );
    expect(seen).toEqual([
      ["", "users"],
      ["users", "[email]"],
      ["users.ada@example.com", "[card]"],
      ["users", "[email]"],
      ["users.bob@example.com", "12"],
    ]);
  });

  it("work on error messages, stacks and status descriptions, whatever content is recorded", () => {
    expect(() =>
      withSpan("work", () => {
        throw new Error(`no such user: ada@example.com (${JWT})`);
      }),
    ).toThrow("ada@example.com");

    const { status, events } = spanNamed(recording.spans(), "work");
    expect(status.message).toBe("no such user: [email] ([api key])");
    expect(JSON.stringify(events)).not.toMatch(/ada@|eyJ/);
    expect(JSON.stringify(events)).toContain("[email]");
  });

  it("find every card number, in whatever words and groups it stands", () => {
    const groups = fc.constantFrom([16], [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [13], [6, 13], [8, 8]);
    const words = fc.stringMatching(/^[a-z .,;:()]{0,30}$/);
    const property = fc.property(
      fc.array(fc.nat(9), { minLength: 20, maxLength: 20 }),
      groups,
      fc.constantFrom(" ", "-", ".", "\n"),
      words,
      words,
      (random, sizes, separator, before, after) => {
        fc.pre(" -".includes(separator) || sizes.length === 1 || Math.max(...sizes) <= 6);
        const number = cardNumber(random, sizes, separator);
        expect(redacted(`${before} ${number} ${after}`)).toBe(`${before} [card] ${after}`);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("leave nothing of a secret that stands where a text is cut", () => {
    configureWaybill({ maxAttributeBytes: 200 });
    const address = `${"a".repeat(90)}@example.com `;
    for (let length = 1300; length < 1500; length += 1) {
      const text = `${address.repeat(15).slice(0, length)} sk-${token(48)} ${"x ".repeat(2000)}`;

      expect(redacted(text), String(length)).not.toContain("sk-");
    }
  });
});

/** Each of these would keep a careless pattern busy for hours. */
describe("a megabyte of hostile text", () => {
  it.each([
    "a",
    "a.",
    "@",
    "a@",
    "a@a.",
    "@a.1",
    "4",
    "444 ",
    "4111 1111-",
    "4 ",
    "Bearer ",
    "bearer a",
    "basic Ojo6",
    "authorization: ",
    "authorization:basic ",
    "sk-",
    "sk-a",
    "a%40",
    "a%40a.",
    "%40a.1",
    "a'",
    "a'a@",
    "://a:",
    "://a:a@",
    "4111.",
    "4111\n",
    "api_key=",
    "api_key=aaaaaaa ",
    "authorization:token ",
    "eyJ",
    "eyJa.",
    "eyJa-",
    "eyJ.eyJa.a",
    "xoxb-",
    "-",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----END A ",
    "data:",
    "data:a/b;a=b",
    "data:a/b;a=b;a=b;a=b;a=b;",
    "data:a/b;base64,",
    `${token(1023)} `,
    `${"a".repeat(1023)}B`,
    "\\\"':=",
    " ",
    "\u{1F600}",
    "\uD800",
  ])("of %j is redacted at once", (piece) => {
    configureWaybill({ maxAttributeBytes: 1_000_000 });
    const text = `${piece.repeat(Math.ceil(1_000_000 / piece.length))}@!`;

    expect(Buffer.byteLength(redacted(text))).toBeLessThanOrEqual(1_000_000);
  });
});

/** Completes random digits to a number with a valid check digit. */
function cardNumber(
  random: readonly number[],
  sizes: readonly number[],
  separator: string,
): string {
  const length = sizes.reduce((sum, size) => sum + size, 0);
  const digits = [4, ...random].slice(0, length - 1);
  const sum = digits.toReversed().reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? digit * 2 : digit;
    return total + Math.floor(doubled / 10) + (doubled % 10);
  }, 0);
  const number = [...digits, (10 - (sum % 10)) % 10].join("");
  let start = 0;
  return sizes.map((size) => number.slice(start, (start += size))).join(separator);
}
