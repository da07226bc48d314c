import { createHash } from "node:crypto";

import { configureWaybill } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_SETTINGS, recordedContent } from "../support/recorded-content.ts";
import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill(DEFAULT_SETTINGS);
  await recording.stop();
});

function json(value: unknown, maxAttributeBytes = 16_384): string {
  configureWaybill({ maxAttributeBytes });
  return recordedContent(recording, value);
}

function parsed(value: unknown): unknown {
  return JSON.parse(json(value));
}

function fails(): never {
  throw new Error("hostile");
}

describe("a recorded value", () => {
  it("is what JSON.stringify gives, where that is safe", () => {
    const value = {
      text: 'a "quoted"\n\u0001 text, 😀',
      numbers: [0, -1.5, 1e21, true, null],
      sparse: Object.assign([], { 2: 3 }),
      nothing: undefined,
      call: () => {},
      symbol: Symbol("s"),
      list: [undefined, () => {}, Symbol("s")],
      [Symbol("key")]: "hidden",
      nested: { empty: {}, list: [] },
      date: new Date(0),
      invalid: new Date(Number.NaN),
      boxed: [Object("text"), Object(1), Object(false)],
      url: new URL("https://example.com/a"),
      toJson: { toJSON: () => ({ a: 1, b: { toJSON: () => 2 } }) },
      instance: new (class Order {
        id = "A-1";
        #hidden = this.id;
        get hidden() {
          return this.#hidden;
        }
      })(),
      ["__proto__"]: 1,
      keys: { 'a"b': 1, "": 2 },
    };

    expect(json(value)).toBe(JSON.stringify(value));
  });

  it("tells of what JSON does not know", () => {
    const error = new RangeError("too far", { cause: new Error("no map") });
    class Tags extends Set<string> {
      override get size() {
        return 99;
      }
      override *[Symbol.iterator](): SetIterator<string> {
        while (true) yield "for ever";
      }
    }

    expect(
      parsed({
        big: 12n,
        vast: 2n ** 100_000n,
        infinite: Number.NEGATIVE_INFINITY,
        nan: Number.NaN,
        map: new Map<unknown, unknown>([["a", new Map([[{ b: 1 }, 2]])]]),
        set: new Set([1, "a"]),
        tags: new Tags(["red"]),
        error,
        weak: new WeakMap(),
        promise: Promise.resolve(1),
        pattern: /a/,
      }),
    ).toEqual({
      big: "12",
      vast: "[large BigInt]",
      infinite: "-Infinity",
      nan: "NaN",
      map: [["a", [[{ b: 1 }, 2]]]],
      set: [1, "a"],
      tags: ["red"],
      error: {
        name: "RangeError",
        message: "too far",
        cause: { name: "Error", message: "no map" },
      },
      weak: {},
      promise: {},
      pattern: {},
    });
  });

  it("tells of binary data by its type, size and hash", async () => {
    const bytes = Buffer.from("some bytes");
    const hash = createHash("sha256").update(bytes).digest("hex");
    const buffer = Uint8Array.from(bytes).buffer;

    expect(
      parsed([bytes, buffer, new DataView(buffer), new Float64Array(2), new Blob([bytes])]),
    ).toEqual([
      `[Uint8Array, 10 bytes, sha256 ${hash}]`,
      `[ArrayBuffer, 10 bytes, sha256 ${hash}]`,
      `[DataView, 10 bytes, sha256 ${hash}]`,
      expect.stringMatching(/^\[Float64Array, 16 bytes, sha256 [0-9a-f]{64}\]$/),
      "[Blob, 10 bytes]",
    ]);
  });

  it("never throws, and never ends the application's iterators", () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = [circular];
    const iterator = [1, 2][Symbol.iterator]();
    const hostile = {
      circular,
      getter: Object.defineProperty({}, "a", { enumerable: true, get: fails }),
      toJson: { toJSON: fails },
      toJsonGetter: Object.defineProperty({}, "toJSON", { get: fails }),
      ownKeys: new Proxy({}, { ownKeys: fails }),
      get: new Proxy({ a: 1 }, { get: fails }),
      prototype: new Proxy({}, { getPrototypeOf: fails }),
      list: new Proxy([1, 2], {
        get: (list, key) => (key === "0" ? fails() : Reflect.get(list, key)),
      }),
      tag: { [Symbol.toStringTag]: "String", valueOf: fails },
      valueOf: Object.assign(Object("a"), { valueOf: () => hostile }),
      noMap: Object.create(Map.prototype),
      mapProxy: new Proxy(new Map(), {}),
      revoked: revokedProxy(),
      error: Object.defineProperty(new Error("a"), "message", { get: fails }),
      endless: { toJSON: () => ({ again: { toJSON: hostileJson } }) },
      iterator,
      iterable: { [Symbol.iterator]: fails },
    };

    const { endless, ...rest } = parsed(hostile) as Record<string, unknown>;
    expect(rest).toEqual({
      circular: { self: ["[circular]"] },
      getter: { a: "[unreadable]" },
      toJson: "[unreadable]",
      toJsonGetter: "[unreadable]",
      ownKeys: "[unreadable]",
      get: "[unreadable]",
      prototype: "[unreadable]",
      list: ["[unreadable]", 2],
      tag: "[unreadable]",
      valueOf: "[circular]",
      noMap: "[unreadable]",
      mapProxy: "[unreadable]",
      revoked: "[unreadable]",
      error: { name: "Error", message: "[unreadable]" },
      iterator: {},
      iterable: {},
    });
    expect(JSON.stringify(endless)).toContain("[depth limit]");
    expect(iterator.next()).toEqual({ done: false, value: 1 });

    function hostileJson(): unknown {
      return { again: { toJSON: hostileJson } };
    }
  });

  it("is cut where it claims to be without end", () => {
    const endless = new Proxy([], {
      get: (list, key) => (key === "length" ? 1e308 : Reflect.get(list, key)),
    });

    expect(json(endless, 60)).toBe(
      `[null,null,null,null,null,"[${Number.MAX_SAFE_INTEGER - 5} more]"]`,
    );
  });

  it("is well-formed Unicode, with the replacement character for half of a pair", () => {
    expect(json({ "key\uD800": "half \uDC00 and \uD83D\uDE00" })).toBe('{"key�":"half � and 😀"}');
    expect(json("half \uD800")).toBe("half �");
  });

  it("is not read beyond what fits", () => {
    let touched = 0;
    const wide = Object.defineProperties(
      {},
      Object.fromEntries(
        Array.from({ length: 100_000 }, (_, index) => [
          `key${index}`,
          { enumerable: true, get: () => (touched += 1) },
        ]),
      ),
    );
    const text = json(wide, 1000);

    expect(touched).toBe(Object.keys(JSON.parse(text) as object).length - 1);
    expect(touched).toBeLessThan(100);
    expect(text).toMatch(new RegExp(`"…":"\\[${100_000 - touched} more\\]"}$`));
  });

  it("is not read without end where nothing of it is recorded", () => {
    const read = vi.fn(() => undefined);
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [index, 0]));
    expect(json(new Proxy(wide, { get: read }), 1000)).toMatch(/^\{"…":"\[\d+ more\]"\}$/);

    expect(read.mock.calls.length).toBeLessThan(1000);
  });

  it.each([
    ["a Map", new Map(Array.from({ length: 1_000_000 }, (_, index) => [index, index]))],
    ["a Set", new Set(Array.from({ length: 1_000_000 }, (_, index) => index))],
    ["a sparse array", Object.assign([], { length: 1_000_000 })],
  ])("says how much of %s was left out", (_title, value) => {
    const text = json(value, 300);
    const list = JSON.parse(text) as unknown[];

    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(300);
    expect(list.at(-1)).toBe(`[${1_000_000 - list.length + 1} more]`);
  });

  it("is cut inside its texts, whose beginning stays", () => {
    const text = `${"word ".repeat(10)}${"x ".repeat(1_000_000)}`;
    expect(json({ text, after: 1 }, 120)).toBe(
      '{"text":"word word word word word word word word word word x…[truncated 1999999 chars]","…":"[1 more]"}',
    );
    expect(json(text, 60)).toMatch(/^word word word word word word \S*…\[truncated \d+ chars\]$/);
  });

  it("keeps a long key short", () => {
    const text = json({ ["k ".repeat(50_000)]: 1, next: 2 });
    expect(text).toMatch(/^\{"[k ]+…\[truncated \d+ chars\]":1,"next":2\}$/);
    expect(text.length).toBeLessThan(300);
  });

  it("stays within a depth of 32", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    expect(json(deep)).toBe(`${"[".repeat(32)}"[depth limit]"${"]".repeat(32)}`);
  });

  it.each([
    [{ a: 1 }, 41, '{"a":1}'],
    [{ a: 1 }, 40, '{"…":"[1 more]"}'],
    [{ a: 1 }, 36, '"[truncated]"'],
    [[1, 2, 3], 39, '[1,2,"[1 more]"]'],
    [{ a: 1 }, 12, '"…"'],
    [{ a: 1 }, 4, '""'],
    [{ a: 1 }, 0, '""'],
    [12_345, 4, '""'],
    [12_345, 5, "12345"],
    [null, 3, '""'],
    ["text", 4, "text"],
    ["text", 3, "…"],
    ["text", 0, ""],
  ])("of %j is, within %i bytes, %s", (value, maxBytes, expected) => {
    expect(json(value, maxBytes)).toBe(expected);
  });
});

/** Values of every kind that may come from an application, hostile ones among them. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      stringUnit: "binary",
    }),
    fc.string({ unit: "binary", minLength: 20, maxLength: 400 }),
    fc.constantFrom(fails, Symbol("s"), new Error("a", { cause: "b" }), new Blob(["a"])),
    fc.array(tie("value"), { maxLength: 8 }),
    fc.dictionary(fc.string({ unit: "binary", maxLength: 30 }), tie("value"), { maxKeys: 8 }),
    tie("value").map((value) => ({ toJSON: () => value })),
    tie("value").map((value) => ({
      value,
      get trap() {
        return fails();
      },
    })),
    tie("value").map((value) => new Map([[value, value]])),
    tie("value").map((value) => {
      const circular: Record<string, unknown> = { value };
      circular["self"] = circular;
      return circular;
    }),
  ),
})).value;

describe("any value", () => {
  it("is valid JSON within any budget of at least 2 bytes", () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 0, max: 400 }), (value, maxBytes) => {
        const wrapped = { value };
        const text = json(wrapped, maxBytes);

        expect(() => JSON.parse(text) as unknown, text).not.toThrow();
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(Math.max(2, maxBytes));
        expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("is as JSON.stringify has it, if it is JSON, short and harmless", () => {
    const harmless = fc.jsonValue({ depthSize: "small" });
    fc.assert(
      fc.property(harmless, (value) => {
        fc.pre(!/@|\d{13}|\ud800|\[(circular|depth)/i.test(JSON.stringify(value)));
        expect(json([value])).toBe(JSON.stringify([value]));
      }),
      { numRuns: 500 },
    );
  });

  it("that is a text is cut to any budget", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(100), (text, maxBytes) => {
        const cut = json(text, maxBytes);

        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
        expect(cut.isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
