import { startTracing } from "@waybill/sdk";
import type { Tracing } from "@waybill/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { linesOf, RELAYS } from "./relay.ts";
import type { Relay } from "./relay.ts";

const ALLOWED = "127.0.0.1";
const MAX_MEMBERS = 64;
const MAX_BYTES = 8192;

const keys = Array.from({ length: 100 }, (_, index) => `key${index}`);
const TOKEN = "!#$%&'*+-.^_`|~09azAZ";

let tracing: Tracing;
beforeAll(() => {
  tracing = startTracing({ serviceName: "w3c", timeline: false, allowHosts: [ALLOWED] });
});
afterAll(() => tracing.shutdown());

/** Members `key0=…`, `key1=…`, whose sizes add up to `bytes` with the commas. */
function listOf(count: number, bytes: number): string {
  const members = keys.slice(0, count).map((key) => `${key}=`);
  const missing = bytes - members.join(",").length;
  const each = Math.floor(missing / count);
  return members
    .map((member, index) => member + "v".repeat(index === 0 ? missing - each * (count - 1) : each))
    .join(",");
}

describe.each(RELAYS)("baggage through a service on $framework", ({ start }) => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await start({
      baggage: {
        accept: [...keys, "a", "A", "b", "c", "a%20b", TOKEN, "constructor", "__proto__"],
        maxMembers: MAX_MEMBERS,
        maxValueLength: MAX_BYTES,
      },
    });
  });
  afterAll(() => relay.close());

  const baggageAfter = async (values: string | readonly string[]) =>
    (await relay.through(linesOf("baggage", values))).baggage;

  it("is not made up", async () => {
    expect((await relay.through([])).baggage).toBeUndefined();
  });

  it.each([
    ["one member", "a=1"],
    ["several members", "a=1,b=2,c=3"],
    ["an empty value", "a="],
    ["equals signs in a value", "a=b=c=="],
    ["all characters of a key", `${TOKEN}=1`],
    ["a key that looks encoded", "a%20b=1"],
    ["keys of two cases", "a=1,A=2"],
    ["names of Object.prototype", "constructor=1,__proto__=2"],
    ["all ASCII characters of a value but the plus sign", "a=!#$&'()*-./:<=>?@[]^_`{|}~"],
    ["encoded delimiters", "a=%22%2C%3B%5C%25%20"],
    ["encoded characters beyond ASCII", "a=%C3%A4%E2%82%AC%F0%9F%98%80"],
    ["properties", "a=1;p;q=2,b=2;p"],
    ["encoded values of properties", "a=1;p=%3B%2C%20"],
    ["64 members", listOf(64, 1000)],
    ["8192 bytes", listOf(2, MAX_BYTES)],
    ["64 members and 8192 bytes", listOf(64, MAX_BYTES)],
    ["one member of 8192 bytes", listOf(1, MAX_BYTES)],
  ])("goes out as it came: %s", async (_title, value) => {
    expect(await baggageAfter(value)).toBe(value);
  });

  it.each(["baggage", "Baggage", "BAGGAGE"])(
    "is read whatever the case of its name: %s",
    async (name) => {
      expect((await relay.through([`${name}: a=1`])).baggage).toBe("a=1");
    },
  );

  it.each([
    ["blanks", " a \t = 1 ; p = 2 ,\tb=2 ", "a=1;p=2,b=2"],
    ["empty members", ",a=1,, ,b=2,", "a=1,b=2"],
    ["several lines", ["a=1", "b=2;p", "c=3"], "a=1,b=2;p,c=3"],
    ["several lines with several members", ["a=1,b=2", "", "c=3"], "a=1,b=2,c=3"],
    ["64 members in several lines", [listOf(32, 400), "a=1,b=2"], `${listOf(32, 400)},a=1,b=2`],
    ["lower-case encoding", "a=%c3%a4", "a=%C3%A4"],
    ["needless encoding", "a=%41%2D", "a=A-"],
    ["invalid UTF-8", "a=%ff", "a=%EF%BF%BD"],
    ["a percent sign that encodes nothing", "a=100%", "a=100%25"],
    ["an encoded line break", "a=1%0D%0Ax:%20y", "a=1x:%20y"],
  ])("goes out in one line, tidied: %s", async (_title, values, expected) => {
    expect(await baggageAfter(values)).toBe(expected);
  });

  it.each([
    ["no equals sign", "a"],
    ["no key", "=1"],
    ["a space in a key", "a b=1"],
    ["a quoted key", '"a"=1'],
    ["a space in a value", "a=1 2"],
    ["a quote in a value", 'a="1"'],
    ["a backslash in a value", "a=1\\2"],
    ["a value that is not ASCII", "a=\u00e4"],
    ["commas", ",,"],
    ["nothing", ""],
  ])("does not go out where it is malformed: %s", async (_title, value) => {
    expect(await baggageAfter(value)).toBeUndefined();
  });

  it("loses no valid member over one that is malformed", async () => {
    expect(await baggageAfter("a=1,b b=2,c=3")).toBe("a=1,c=3");
  });

  it.each([
    ["65 members", listOf(65, 1000)],
    ["100 members", listOf(100, 2000)],
    ["8193 bytes", listOf(2, MAX_BYTES + 1)],
    ["8193 bytes in one member", listOf(1, MAX_BYTES + 1)],
    ["12,000 bytes", listOf(100, 12_000)],
    ["more in several lines", [listOf(60, 6000), "a=1,b=2,c=3", `A=${"v".repeat(4000)}`]],
  ])("keeps to 64 members and 8192 bytes, by whole members: %s", async (_title, values) => {
    const sent = (await baggageAfter(values))?.split(",") ?? [];

    expect(sent.length).toBeLessThanOrEqual(MAX_MEMBERS);
    expect(sent.join(",").length).toBeLessThanOrEqual(MAX_BYTES);
    expect([values].flat().join(",").split(",")).toEqual(expect.arrayContaining(sent));
  });

  it("is independent of the trace", async () => {
    const sent = await relay.through(["traceparent: nonsense", "tracestate: a=1", "baggage: a=1"]);

    expect([sent.baggage, sent.tracestate]).toEqual(["a=1", undefined]);
  });

  it("goes to allowed hosts and to no other, the trace to all", async () => {
    const sent = await relay.throughTo([ALLOWED, "localhost", ALLOWED], ["baggage: a=1"]);

    expect(sent.map(({ baggage }) => baggage)).toEqual(["a=1", undefined, "a=1"]);
    expect(new Set(sent.map(({ traceId }) => traceId)).size).toBe(1);
  });
});

describe.each(RELAYS)("baggage through a service on $framework that lets in some", ({ start }) => {
  it.each([
    [["a"], "a=1"],
    [["b", "a", "c"], "b=2;p,a=1"],
    [[], undefined],
    [undefined, undefined],
  ])("goes out as far as it is let in: %j", async (accept, expected) => {
    const relay = await start(accept && { baggage: { accept } });

    const { baggage } = await relay.through(["baggage: a=1,b=2;p,d=3"]);
    await relay.close();

    expect(baggage?.split(",").toSorted()).toEqual(expected?.split(",").toSorted());
  });
});
