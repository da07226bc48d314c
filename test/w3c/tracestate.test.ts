import { startTracing } from "@waybill/sdk";
import type { Tracing } from "@waybill/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { linesOf, PARENT_ID, RELAYS, TRACE_ID } from "./relay.ts";
import type { Relay } from "./relay.ts";

const CALLER = `traceparent: 00-${TRACE_ID}-${PARENT_ID}-01`;

let tracing: Tracing;
beforeAll(() => {
  tracing = startTracing({ serviceName: "w3c", timeline: false });
});
afterAll(() => tracing.shutdown());

const numbered = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => `bar${index + from}=${index + from}`).join(",");

describe.each(RELAYS)("tracestate through a service on $framework", ({ start }) => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await start();
  });
  afterAll(() => relay.close());

  async function stateAfter(values: string | readonly string[]): Promise<string | undefined> {
    const sent = await relay.through([CALLER, ...linesOf("tracestate", values)]);
    // Whatever is wrong with it, the trace goes on.
    expect(sent.traceId).toBe(TRACE_ID);
    return sent.tracestate;
  }

  it("is not made up", async () => {
    expect((await relay.through([CALLER])).tracestate).toBeUndefined();
  });

  it("does not go out without the traceparent that it came with", async () => {
    expect((await relay.through(["tracestate: foo=1"])).tracestate).toBeUndefined();
  });

  it.each([
    ["one member", "foo=1"],
    ["several members, in their order", "foo=1,bar=2,baz=3"],
    ["32 members", numbered(32)],
    ["a key that begins with a digit", "1foo=1"],
    ["a key of one character", "f=1"],
    ["all characters of a key", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@=1"],
    ["a tenant and a system", "tenant@system=1"],
    ["a tenant that begins with a digit", "0tenant@system=1"],
    ["@ at the end of a key", "foo@=1"],
    ["@ twice in a key", "foo@@bar=1,baz@a@b=2"],
    ["a tenant of 242 characters", `${"t".repeat(242)}@v=1`],
    ["a system of 15 characters", `t@${"v".repeat(15)}=1`],
    ["a key of 256 characters", `${"z".repeat(256)}=1`],
    ["a value of 256 characters", `foo=${"v".repeat(256)}`],
    ["spaces within a value", "foo=b a r,bar=2"],
    [
      "all characters of a value",
      `foo=${Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
        .filter((character) => character !== "," && character !== "=")
        .join("")}`,
    ],
    ["512 characters", `foo=${"v".repeat(251)},bar=${"v".repeat(252)}`],
  ])("goes out as it came: %s", async (_title, value) => {
    expect(await stateAfter(value)).toBe(value);
  });

  it.each(["tracestate", "TraceState", "TRACESTATE", "TrAcEsTaTe"])(
    "is read whatever the case of its name: %s",
    async (name) => {
      expect((await relay.through([CALLER, `${name}: foo=1`])).tracestate).toBe("foo=1");
    },
  );

  it.each(["trace-state", "trace.state", "trace_state"])(
    "is not read under another name: %s",
    async (name) => {
      expect((await relay.through([CALLER, `${name}: foo=1`])).tracestate).toBeUndefined();
    },
  );

  it.each([
    ["blanks around members", "foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"],
    ["blanks around the header", "  foo=1 \t", "foo=1"],
    ["empty members", ",foo=1,,bar=2, ,\t,", "foo=1,bar=2"],
    ["several lines, in their order", ["foo=1", "bar=2", "baz=3"], "foo=1,bar=2,baz=3"],
    ["several lines with several members", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]],
    ["an empty line", ["foo=1", "", "bar=2"], "foo=1,bar=2"],
    ["32 members in several lines", [numbered(16), numbered(16, 17)], numbered(32)],
    ["a key that comes twice", "foo=1,foo=2,bar=3", "foo=1,bar=3"],
    ["a key that comes twice in several lines", ["foo=1", "bar=3", "foo=2"], "foo=1,bar=3"],
  ])(
    "goes out in one line, tidied: %s",
    async (_title, values, expected = [values].flat().join(",")) => {
      expect(await stateAfter(values)).toBe(expected);
    },
  );

  it.each([
    ["empty", ""],
    ["commas", ",,"],
    ["33 members", numbered(33)],
    ["33 members in several lines", [numbered(32), "foo=1"]],
    ["a space behind a key", "foo =1,bar=2"],
    ["an upper-case key", "FOO=1,bar=2"],
    ["a point in a key", "foo.bar=1,bar=2"],
    ["@ at the start of a key", "@foo=1,bar=2"],
    ["_ at the start of a key", "_foo=1,bar=2"],
    ["- at the start of a key", "-foo=1,bar=2"],
    ["no key", "=1,bar=2"],
    ["a key of 257 characters", `${"z".repeat(257)}=1,bar=2`],
    ["a tenant and a system of 257 characters", `${"t".repeat(242)}@${"v".repeat(14)}=1,bar=2`],
    ["a value of 257 characters", `foo=${"v".repeat(257)},bar=2`],
    ["= in a value", "foo=bar=baz,bar=2"],
    ["an empty value", "foo=,bar=2"],
    ["a tab within a value", "foo=b\ta,bar=2"],
    ["a value that is not ASCII", "foo=b\u00e4r,bar=2"],
    ["no equals sign", "foo,bar=2"],
    ["semicolons for commas", "foo=1;bar=2;baz=3"],
    ["something malformed behind what is not", "bar=2,foo"],
    ["something malformed in a line of its own", ["bar=2", "FOO=1"]],
  ])("is dropped as a whole, and the trace goes on: %s", async (_title, values) => {
    expect(await stateAfter(values)).toBeUndefined();
  });

  it("is shortened to 512 characters by whole members: first those of more than 128, then from the end", async () => {
    const small = (key: string) => `${key}=${"s".repeat(100)}`;
    const large = (key: string) => `${key}=${"l".repeat(200)}`;

    const withLarge = await stateAfter([
      large("a"),
      small("b"),
      large("c"),
      ...["d", "e", "f"].map(small),
    ]);
    const withOneLarge = await stateAfter([large("a"), ...["b", "c", "d"].map(small), large("e")]);
    const withoutLarge = await stateAfter(["a", "b", "c", "d", "e", "f"].map(small));

    expect(withLarge?.split(",").map((member) => member[0])).toEqual(["b", "d", "e", "f"]);
    expect(withOneLarge?.split(",").map((member) => member[0])).toEqual(["a", "b", "c", "d"]);
    expect(withoutLarge?.split(",").map((member) => member[0])).toEqual(["a", "b", "c", "d"]);
  });

  it("goes out with each of several requests", async () => {
    const hosts = Array<string>(3).fill("127.0.0.1");
    const sent = await relay.throughTo(hosts, [CALLER, "tracestate: foo=1,bar=2"]);

    expect(sent.map(({ tracestate }) => tracestate)).toEqual(Array(3).fill("foo=1,bar=2"));
  });
});
