import { startTracing } from "@waybill/sdk";
import type { Tracing } from "@waybill/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { linesOf, PARENT_ID, RELAYS, TRACE_ID } from "./relay.ts";
import type { Relay } from "./relay.ts";

const CALLER = `00-${TRACE_ID}-${PARENT_ID}-01`;
const OTHER = "00-12345678901234567890123456789012-1234567890123456-01";

let tracing: Tracing;
beforeAll(() => {
  tracing = startTracing({ serviceName: "w3c", timeline: false });
});
afterAll(() => tracing.shutdown());

describe.each(RELAYS)("traceparent through a service on $framework", ({ start }) => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await start();
  });
  afterAll(() => relay.close());

  const send = (...traceparents: string[]) => relay.through(linesOf("traceparent", traceparents));

  it("begins a trace where none comes in, and posts what it was asked to", async () => {
    const sent = await relay.through([]);

    expect(sent.flags).toBe("01");
    expect(sent.tracestate).toBeUndefined();
    expect(sent.body).toEqual({ request: 0 });
  });

  it("begins another trace for every request that has none", async () => {
    const ids = [];
    for (let request = 0; request < 3; request += 1) ids.push((await relay.through([])).traceId);

    expect(new Set(ids).size).toBe(3);
  });

  it("continues the caller's trace under an id of its own", async () => {
    const sent = await send(CALLER);

    expect(sent.traceId).toBe(TRACE_ID);
    expect(sent.parentId).not.toBe(PARENT_ID);
    expect(sent.flags).toBe("01");
  });

  it.each([
    ["continues the caller's", [`traceparent: ${CALLER}`]],
    ["begins one", []],
    ["begins one after an invalid header", [`traceparent: 00-${TRACE_ID}-${"0".repeat(16)}-01`]],
  ])("has one trace and one parent id for each of several requests: %s", async (title, lines) => {
    const sent = await relay.throughTo(Array<string>(3).fill("127.0.0.1"), lines);

    const traceIds = new Set(sent.map(({ traceId }) => traceId));
    expect(traceIds.size).toBe(1);
    expect(traceIds.has(TRACE_ID)).toBe(title.includes("caller"));
    expect(new Set(sent.map(({ parentId }) => parentId)).size).toBe(3);
    expect(sent.map(({ body }) => body)).toEqual([{ request: 0 }, { request: 1 }, { request: 2 }]);
  });

  it.each(["traceparent", "TraceParent", "TRACEPARENT", "TrAcEpArEnT"])(
    "is read whatever the case of its name: %s",
    async (name) => {
      expect((await relay.through([`${name}: ${CALLER}`])).traceId).toBe(TRACE_ID);
    },
  );

  it.each(["trace-parent", "trace.parent", "trace_parent", "x-traceparent"])(
    "is not read under another name: %s",
    async (name) => {
      expect((await relay.through([`${name}: ${CALLER}`])).traceId).not.toBe(TRACE_ID);
    },
  );

  it.each([
    ["spaces before", `   ${CALLER}`],
    ["spaces behind", `${CALLER}   `],
    ["tabs around", `\t${CALLER}\t`],
    ["both around", ` \t ${CALLER} \t `],
    ["no space at all", CALLER],
  ])("is read without the blanks around it: %s", async (_title, value) => {
    expect((await relay.through([`traceparent:${value}`])).traceId).toBe(TRACE_ID);
  });

  it.each([
    ["cc", `cc-${TRACE_ID}-${PARENT_ID}-01`],
    ["cc with more behind a dash", `cc-${TRACE_ID}-${PARENT_ID}-01-what-the-future-will-be-like`],
    ["01 with a dash", `01-${TRACE_ID}-${PARENT_ID}-01-`],
    ["fe", `fe-${TRACE_ID}-${PARENT_ID}-01`],
  ])("is read of a higher version, and goes out as version 00: %s", async (_title, value) => {
    expect((await send(value)).traceId).toBe(TRACE_ID);
  });

  it.each([
    ["00", "00"],
    ["01", "01"],
    ["02", "02"],
    ["03", "03"],
    ["04", "00"],
    ["05", "01"],
    ["0a", "02"],
    ["80", "00"],
    ["ff", "03"],
  ])(
    "keeps the flags for sampled and random and no other: %s goes out as %s",
    async (flags, expected) => {
      const sent = await send(`00-${TRACE_ID}-${PARENT_ID}-${flags}`);

      expect(sent.traceId).toBe(TRACE_ID);
      expect(sent.flags).toBe(expected);
    },
  );

  it("keeps no unknown flag of a higher version", async () => {
    const sent = await send(`cc-${TRACE_ID}-${PARENT_ID}-fd`);

    expect([sent.traceId, sent.flags]).toEqual([TRACE_ID, "01"]);
  });

  it.each([
    ["empty", ""],
    ["blank", " \t "],
    ["version ff", `ff-${TRACE_ID}-${PARENT_ID}-01`],
    ["a version of one digit", `0-${TRACE_ID}-${PARENT_ID}-01`],
    ["a version of three digits", `000-${TRACE_ID}-${PARENT_ID}-01`],
    ["a version with a point", `.0-${TRACE_ID}-${PARENT_ID}-01`],
    ["a version that is no hexadecimal number", `0g-${TRACE_ID}-${PARENT_ID}-01`],
    ["an upper-case version", `CC-${TRACE_ID}-${PARENT_ID}-01`],
    ["version 00 with more behind a point", `${CALLER}.`],
    ["version 00 with a dash", `${CALLER}-`],
    ["version 00 with more behind a dash", `${CALLER}-what-the-future-will-be-like`],
    ["a higher version with more behind a point", `cc-${TRACE_ID}-${PARENT_ID}-01.what`],
    ["a higher version that is too short", `cc-${TRACE_ID}-${PARENT_ID}-0`],
    ["a zero trace id", `00-${"0".repeat(32)}-${PARENT_ID}-01`],
    ["a zero trace id in a higher version", `cc-${"0".repeat(32)}-${PARENT_ID}-01`],
    ["an upper-case trace id", `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`],
    ["a trace id with a point", `00-.${TRACE_ID.slice(1)}-${PARENT_ID}-01`],
    ["a trace id with a point at its end", `00-${TRACE_ID.slice(1)}.-${PARENT_ID}-01`],
    ["a trace id that is no hexadecimal number", `00-${TRACE_ID.slice(1)}g-${PARENT_ID}-01`],
    ["a short trace id", `00-${TRACE_ID.slice(1)}-${PARENT_ID}-01`],
    ["a long trace id", `00-${TRACE_ID}0-${PARENT_ID}-01`],
    ["a zero parent id", `00-${TRACE_ID}-${"0".repeat(16)}-01`],
    ["an upper-case parent id", `00-${TRACE_ID}-${PARENT_ID.toUpperCase()}-01`],
    ["a parent id with a point", `00-${TRACE_ID}-.${PARENT_ID.slice(1)}-01`],
    ["a parent id with a point at its end", `00-${TRACE_ID}-${PARENT_ID.slice(1)}.-01`],
    ["a short parent id", `00-${TRACE_ID}-${PARENT_ID.slice(1)}-01`],
    ["a long parent id", `00-${TRACE_ID}-${PARENT_ID}0-01`],
    ["flags with a point", `00-${TRACE_ID}-${PARENT_ID}-.0`],
    ["flags with a point at their end", `00-${TRACE_ID}-${PARENT_ID}-0.`],
    ["upper-case flags", `00-${TRACE_ID}-${PARENT_ID}-0A`],
    ["flags of one digit", `00-${TRACE_ID}-${PARENT_ID}-1`],
    ["flags of three digits", `00-${TRACE_ID}-${PARENT_ID}-001`],
    ["no flags", `00-${TRACE_ID}-${PARENT_ID}`],
    ["no flags behind a dash", `00-${TRACE_ID}-${PARENT_ID}-`],
    ["underscores for dashes", CALLER.replaceAll("-", "_")],
    ["spaces within", CALLER.replaceAll("-", " - ")],
    ["something else", "nonsense"],
  ])("begins a new trace, without the tracestate, on %s", async (_title, value) => {
    const sent = await relay.through([`traceparent: ${value}`, "tracestate: foo=1,bar=2"]);

    expect(sent.traceId).not.toBe(TRACE_ID);
    expect(sent.flags).toBe("01");
    expect(sent.tracestate).toBeUndefined();
  });

  it.each([
    ["two lines", [CALLER, OTHER]],
    ["two lines in the other order", [OTHER, CALLER]],
    ["twice the same line", [CALLER, CALLER]],
    ["an invalid line and a valid one", ["nonsense", CALLER]],
    ["two in one line", [`${CALLER},${OTHER}`]],
    ["two in one line, with a space", [`${CALLER}, ${OTHER}`]],
  ])("begins a new trace, without the tracestate, on %s", async (_title, values) => {
    const lines = [...linesOf("traceparent", values), "tracestate: foo=1"];
    const sent = await relay.through(lines);

    expect([TRACE_ID, OTHER.split("-")[1]]).not.toContain(sent.traceId);
    expect(sent.tracestate).toBeUndefined();
  });

  it("begins a new trace on two lines whose names differ in case", async () => {
    const sent = await relay.through([`traceparent: ${CALLER}`, `TRACEPARENT: ${OTHER}`]);

    expect([TRACE_ID, OTHER.split("-")[1]]).not.toContain(sent.traceId);
  });

  it("says of no trace that begins here that its id is random", async () => {
    const flags = [await relay.through([]), await send(`00-${"0".repeat(32)}-${PARENT_ID}-03`)];

    expect(flags.map((sent) => sent.flags)).toEqual(["01", "01"]);
  });

  it("says with every request that the id is random, if the caller said so", async () => {
    const sent = await relay.throughTo(Array<string>(3).fill("127.0.0.1"), [
      `traceparent: 00-${TRACE_ID}-${PARENT_ID}-03`,
    ]);

    expect(sent.map(({ flags }) => flags)).toEqual(["03", "03", "03"]);
  });

  it("passes on that the caller does not record, and makes a span id all the same", async () => {
    const sent = await send(`00-${TRACE_ID}-${PARENT_ID}-00`);

    expect([sent.traceId, sent.flags]).toEqual([TRACE_ID, "00"]);
    expect(sent.parentId).not.toBe(PARENT_ID);
  });
});
