import {
  baggageEntryMetadataFromString,
  diag,
  DiagLogLevel,
  propagation,
  ROOT_CONTEXT,
} from "@opentelemetry/api";
import type { BaggageEntry } from "@opentelemetry/api";
import { afterEach, describe, expect, it, vi } from "vitest";

import { malformed, passedOn, received, sent } from "../support/headers.ts";

afterEach(() => {
  diag.disable();
  vi.useRealTimers();
});

/** Key, value and, if there are properties, metadata of each entry of the baggage that a header states. */
function entriesOf(baggage: string | readonly string[]): readonly (readonly string[])[] {
  const entries = propagation.getBaggage(received({ baggage }))?.getAllEntries() ?? [];
  return entries.map(([key, { value, metadata }]) => [
    key,
    value,
    ...(metadata ? [metadata.toString()] : []),
  ]);
}

function sentBaggage(entries: Record<string, BaggageEntry>): string | undefined {
  const baggage = propagation.createBaggage(entries);
  return sent(propagation.setBaggage(ROOT_CONTEXT, baggage)).baggage;
}

/** What `diag` hears, an hour later than the last time it was told of anything. */
function warningsDuring(fn: () => void): readonly string[] {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  diag.setLogger({ warn, error: warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  fn();
  return warnings;
}

const pairs = (count: number) =>
  Array.from({ length: count }, (_, index) => [`key${index}`, String(index)] as const);
const listOf = (entries: readonly (readonly string[])[]) =>
  entries.map((entry) => entry.join("=")).join(",");

describe("incoming baggage", () => {
  it.each([
    ["one member", "key=value", [["key", "value"]]],
    [
      "several members",
      "a=1,b=2,c=3",
      [
        ["a", "1"],
        ["b", "2"],
        ["c", "3"],
      ],
    ],
    [
      "blanks everywhere",
      " \ta \t = \t 1 \t ; \t p \t ; q \t = \t 2 \t , \tb=2 ",
      [
        ["a", "1", "p;q=2"],
        ["b", "2"],
      ],
    ],
    ["an empty value", "a=", [["a", ""]]],
    ["an empty value with a property", "a=;p", [["a", "", "p"]]],
    ["equals signs in the value", "a=b=c==", [["a", "b=c=="]]],
    ["an equals sign as the value", "a==", [["a", "="]]],
    ["a JSON Web Token", "t=eyJh.eyJz-_.c2ln==", [["t", "eyJh.eyJz-_.c2ln=="]]],
    [
      "all that a value may have",
      "a=!#$&'()*+-./:<=>?@[]^_`{|}~",
      [["a", "!#$&'()*+-./:<=>?@[]^_`{|}~"]],
    ],
    ["all that a key may have", "!#$%&'*+-.^_`|~09azAZ=1", [["!#$%&'*+-.^_`|~09azAZ", "1"]]],
    ["an encoded value", "a=%09%20%22%27%3B%3D%2C%5C%25", [["a", "\t \"';=,\\%"]]],
    ["an encoded value in lower case", "a=%c3%a4%e2%82%ac", [["a", "ä€"]]],
    ["an encoded value beyond 16 bits", "a=%F0%9F%98%80", [["a", "😀"]]],
    ["an encoded byte order mark", "a=%EF%BB%BFx", [["a", "\ufeffx"]]],
    ["encoded line breaks", "a=1%0D%0Ax:%20y", [["a", "1\r\nx: y"]]],
    ["a plus sign, which is no space", "a=1+1", [["a", "1+1"]]],
    ["a key that looks encoded", "a%20b=1", [["a%20b", "1"]]],
    ["invalid UTF-8", "a=%ff", [["a", "\ufffd"]]],
    ["invalid UTF-8 in between", "a=x%c3y%28z", [["a", "x\ufffdy(z"]]],
    ["an overlong encoding", "a=%c0%80", [["a", "\ufffd\ufffd"]]],
    ["an encoded surrogate", "a=%ed%a0%80", [["a", "\ufffd\ufffd\ufffd"]]],
    ["a percent sign alone", "a=100%", [["a", "100%"]]],
    ["a percent sign without digits", "a=%zz%4", [["a", "%zz%4"]]],
    ["both", "a=%zz%41%ff", [["a", "%zzA\ufffd"]]],
    ["properties", "a=1;p;q=2", [["a", "1", "p;q=2"]]],
    ["properties with encoded values", "a=1;p=%3B%2C;q=%20", [["a", "1", "p=%3B%2C;q=%20"]]],
    ["a property with an empty value", "a=1;p=", [["a", "1", "p="]]],
    ["a property with equals signs", "a=1;p=2=3", [["a", "1", "p=2=3"]]],
    ["a property whose key looks encoded", "a=1;%70=2", [["a", "1", "%70=2"]]],
    ["a malformed property beside a good one", "a=1;;p q;é;s", [["a", "1", "s"]]],
    ["malformed properties only", "a=1; ;=2;", [["a", "1"]]],
    ["a property value that should be encoded", "a=1;p=x y\u0000\r", [["a", "1", "p=x%20y%00%0D"]]],
    [
      "a key that comes twice",
      "a=1,b=2,a=3",
      [
        ["a", "3"],
        ["b", "2"],
      ],
    ],
    [
      "keys of two cases",
      "a=1,A=2",
      [
        ["a", "1"],
        ["A", "2"],
      ],
    ],
    [
      "empty members",
      ",a=1,, ,\t,b=2,",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    [
      "names of Object.prototype",
      "constructor=1,toString=2",
      [
        ["constructor", "1"],
        ["toString", "2"],
      ],
    ],
  ])("is read: %s", (_title, header, expected) => {
    expect(entriesOf(header)).toEqual(expected);
  });

  it.each([
    ["no equals sign", "a"],
    ["no key", "=1"],
    ["a space in the key", "a b=1"],
    ["a quoted key", '"a"=1'],
    ["a slash in the key", "a/b=1"],
    ["a colon in the key", "a:b=1"],
    ["@ in the key", "a@b=1"],
    ["a key that is not ASCII", "ä=1"],
    ["a control character in the key", "a\u0000b=1"],
    ["a line break in the key", "a\r\nb=1"],
    ["a line break before the key", "\na=1"],
    ["a space in the value", "a=1 2"],
    ["a tab in the value", "a=1\t2"],
    ["a quoted value", 'a="1"'],
    ["a backslash in the value", "a=1\\2"],
    ["a value that is not ASCII", "a=ä"],
    ["a value with a no-break space", "a=1\u00a0"],
    ["a line break in the value", "a=1\r\nx: y"],
    ["a control character in the value", "a=\u0007"],
    ["DEL in the value", "a=\u007f"],
    ["properties alone", ";p=1"],
    ["properties without a value before them", "a;p=1"],
  ])("loses malformed members and no others: %s", (_title, member) => {
    expect(entriesOf(`before=1,${member},after=2`)).toEqual([
      ["before", "1"],
      ["after", "2"],
    ]);
  });

  it("is read from all lines of the header", () => {
    expect(entriesOf(["a=1,b=2", "", "c=3"])).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
  });

  it("takes the place of the baggage that was there, and of none if there is none in it", () => {
    const context = received({ baggage: "a=1" });

    expect(sent(received({ baggage: "b=2" }, context))).toEqual({ baggage: "b=2" });
    expect(sent(received({ baggage: "nonsense" }, context))).toEqual({ baggage: "a=1" });
    expect(sent(received({}, context))).toEqual({ baggage: "a=1" });
  });

  it("does no harm as __proto__", () => {
    const context = received({ baggage: "__proto__=evil,a=1" });
    const baggage = propagation.getBaggage(context);

    expect(baggage?.getEntry("__proto__")).toEqual({ value: "evil" });
    expect(sent(context)).toEqual({ baggage: "__proto__=evil,a=1" });
    expect(({} as Record<string, unknown>).value).toBeUndefined();
  });

  it("may have 64 members, in one line or in several", () => {
    const entries = pairs(64);
    const lines = [listOf(entries.slice(0, 40)), listOf(entries.slice(40))];

    expect(entriesOf(listOf(entries))).toEqual(entries);
    expect(entriesOf(lines)).toEqual(entries);
    expect(passedOn({ baggage: lines })).toEqual({ baggage: listOf(entries) });
  });

  it("is cut to 64 members, in one line or in several", () => {
    const entries = pairs(70);
    const lines = [listOf(entries.slice(0, 40)), listOf(entries.slice(40))];

    expect(entriesOf(listOf(entries))).toEqual(entries.slice(0, 64));
    expect(entriesOf(lines)).toEqual(entries.slice(0, 64));
  });

  it("does not count malformed members among the 64", () => {
    expect(entriesOf(`nonsense,${"=,".repeat(100)}${listOf(pairs(64))}`)).toEqual(pairs(64));
  });

  it.each([
    ["one member", [`a=${"x".repeat(8190)}`]],
    ["two members", [`a=${"x".repeat(4094)},b=${"x".repeat(4093)}`]],
    ["two lines", [`a=${"x".repeat(4094)}`, `b=${"x".repeat(4093)}`]],
    [
      "64 members",
      [listOf(pairs(64).map(([key]) => [key.padEnd(7, "_"), "x".repeat(119)])).concat("x")],
    ],
  ])("may have 8192 bytes: %s", (_title, baggage) => {
    const header = baggage.join(",");

    expect(header).toHaveLength(8192);
    expect(passedOn({ baggage })).toEqual({ baggage: header });
  });

  it("loses whole members beyond 8192 bytes, and keeps those that fit", () => {
    const big = `big=${"x".repeat(8000)}`;

    expect(entriesOf(`a=${"x".repeat(8191)}`)).toEqual([]);
    expect(entriesOf([`a=1,${big},b=${"y".repeat(200)}`, "c=2"]).map(([key]) => key)).toEqual([
      "a",
      "big",
      "c",
    ]);
    expect(entriesOf(`${"x".repeat(16_384)}=1,a=1`)).toEqual([["a", "1"]]);
  });

  it("is told to `diag` when it is cut", () => {
    const warnings = warningsDuring(() => received({ baggage: listOf(pairs(65)) }));

    expect(warnings).toEqual([expect.stringContaining("64 members and 8192 bytes")]);
  });
});

describe("outgoing baggage", () => {
  it.each([
    ["a plain value", "abc", "abc"],
    ["an empty value", "", ""],
    ["what a header may have", "!#$&'()*-./:<=>?@[]^_`{|}~", "!#$&'()*-./:<=>?@[]^_`{|}~"],
    ["a space", "a b", "a%20b"],
    ["a plus sign, which some take for a space", "a+b", "a%2Bb"],
    ["a percent sign", "100% %41", "100%25%20%2541"],
    ["separators", ',;"\\', "%2C%3B%22%5C"],
    ["line breaks", "1\r\nx: y\u2028", "1%0D%0Ax:%20y%E2%80%A8"],
    ["control characters", "\u0000\u001b[31m\u007f\u0085", "%00%1B[31m%7F%C2%85"],
    ["other scripts", "äß€中😀", "%C3%A4%C3%9F%E2%82%AC%E4%B8%AD%F0%9F%98%80"],
    ["half a character", "a\ud83d", "a%EF%BF%BD"],
  ])("has values encoded where they must be: %s", (_title, value, encoded) => {
    const header = sentBaggage({ key: { value } });

    expect(header).toBe(`key=${encoded}`);
    expect(entriesOf(header ?? "")).toEqual([["key", value.toWellFormed()]]);
  });

  it.each([
    ["well-formed", "p;q=2;r=%20", ";p;q=2;r=%20"],
    ["blanks", " p = 1 ; q ", ";p=1;q"],
    ["line breaks", "p=1\r\nx: y;q", ";p=1%0D%0Ax:%20y;q"],
    ["line breaks in a key", "p\r\nx: y=1;q", ";q"],
    ["another member", "p=1,admin=true", ";p=1%2Cadmin=true"],
    ["other scripts", "p=ä\ud83d", ";p=%C3%A4%EF%BF%BD"],
    ["nothing", "", ""],
    ["separators", ";;=;", ""],
  ])("has properties that are safe: %s", (_title, metadata, properties) => {
    const header = sentBaggage({
      key: { value: "1", metadata: baggageEntryMetadataFromString(metadata) },
    });

    expect(header).toBe(`key=1${properties}`);
    expect(sent(received({ baggage: header ?? "" })).baggage).toBe(header);
  });

  it.each(["", "a b", "a\r\nx", "ä", 'a"', "a,b", "a=b", "a;b", "a/b", "\u0000"])(
    "leaves out a key that is no token: %j",
    (key) => {
      expect(sentBaggage({ [key]: { value: "1" } })).toBeUndefined();
      expect(sentBaggage({ a: { value: "1" }, [key]: { value: "2" } })).toBe("a=1");
    },
  );

  it("has at most 64 members", () => {
    const entries = Object.fromEntries(pairs(70).map(([key, value]) => [key, { value }]));

    expect(sentBaggage(entries)).toBe(listOf(pairs(64)));
  });

  it("has at most 8192 bytes, as they are sent, by whole members", () => {
    expect(sentBaggage({ a: { value: "x".repeat(8190) } })).toHaveLength(8192);
    expect(sentBaggage({ a: { value: "x".repeat(8191) } })).toBeUndefined();
    expect(sentBaggage({ a: { value: " ".repeat(2731) }, b: { value: "1" } })).toBe("b=1");
    expect(
      sentBaggage({
        a: { value: "1" },
        big: { value: "x", metadata: baggageEntryMetadataFromString(`p=${"x".repeat(8190)}`) },
        c: { value: "y".repeat(8184) },
        d: { value: "2" },
      }),
    ).toBe(`a=1,c=${"y".repeat(8184)}`);
  });

  it("is told to `diag` when it is cut", () => {
    const warnings = warningsDuring(() => {
      sentBaggage({ "no token": { value: "1" } });
      sentBaggage({ a: { value: "x".repeat(9000) } });
    });

    expect(warnings).toEqual([expect.stringContaining("baggage was not sent in full")]);
  });

  it("is nothing where there is none", () => {
    expect(sentBaggage({})).toBeUndefined();
    expect(malformed(sent(ROOT_CONTEXT))).toEqual([]);
  });
});
