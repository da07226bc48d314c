import { connect } from "node:net";

import { SpanStatusCode } from "@opentelemetry/api";
import { expect, it } from "vitest";

import { describeServices } from "./traced-service.ts";
import type { Options } from "./traced-service.ts";

describeServices("the exception of a failed request", (service) => {
  const events = () => service.serverSpan().events.map(({ name }) => name);
  const expected = service.tells ? ["exception"] : [];

  it.each<[string, Options["recordException"], string[]]>([
    ["is on the SERVER span by default", undefined, expected],
    ["is left out with `false`", false, []],
    ["is left out where a function says `false`", () => false, []],
    [
      "is there where a function fails",
      () => {
        throw new Error("no idea");
      },
      expected,
    ],
  ])("%s, and the error is, either way", async (_title, recordException, names) => {
    await service.start(recordException === undefined ? {} : { recordException });
    await service.get("/fail");

    expect(events()).toEqual(names);
    expect(service.serverSpan().status.code).toBe(SpanStatusCode.ERROR);
    expect(service.serverSpan().attributes["error.type"]).toBe(service.tells ? "Error" : "500");
  });

  it("is given to the function", async () => {
    const seen: unknown[] = [];
    await service.start({ recordException: (error) => seen.push(error) > 0 });
    await service.get("/fail");

    expect(seen.map(String)).toEqual(service.tells ? ["Error: out of stock"] : []);
  });
});

describeServices("a client that leaves", (service) => {
  async function leaveOrdinary(options: Options): Promise<void> {
    const { url, hanging } = await service.start(options);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await hanging;
    socket.destroy();
    await service.recording().idle();
  }

  async function leaveEventStream(options: Options): Promise<void> {
    const { url } = await service.start(options);
    const controller = new AbortController();
    const response = await fetch(`${url}/endless`, { signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
    await service.recording().idle();
  }

  const ending = () => {
    const { attributes } = service.serverSpan();
    return [attributes["waybill.outcome"], attributes["error.type"]];
  };

  it.each<[Options["clientAbort"], string | undefined]>([
    [undefined, "client_disconnected"],
    ["error", "client_disconnected"],
    ["unset", undefined],
    [({ eventStream }) => (eventStream ? "error" : "unset"), undefined],
    [() => "never" as "unset", "client_disconnected"],
    [
      () => {
        throw new Error("no idea");
      },
      "client_disconnected",
    ],
  ])("of an ordinary response is an error as `clientAbort` says: %s", async (clientAbort, type) => {
    await leaveOrdinary(clientAbort === undefined ? {} : { clientAbort });

    expect(ending()).toEqual(["cancelled", type]);
  });

  it.each<[Options["clientAbort"], string | undefined]>([
    [undefined, undefined],
    ["error", "client_disconnected"],
    ["unset", undefined],
    [({ eventStream }) => (eventStream ? "error" : "unset"), "client_disconnected"],
  ])("of an event stream is an error as `clientAbort` says: %s", async (clientAbort, type) => {
    await leaveEventStream(clientAbort === undefined ? {} : { clientAbort });

    expect(ending()).toEqual(["cancelled", type]);
  });

  it("is told to the function with the status that it got, if any", async () => {
    const seen: unknown[] = [];
    const clientAbort = (abort: unknown) => {
      seen.push(abort);
      return "unset" as const;
    };
    await leaveOrdinary({ clientAbort });
    await leaveEventStream({ clientAbort });

    expect(seen).toEqual([
      { eventStream: false, statusCode: undefined },
      { eventStream: true, statusCode: 200 },
    ]);
  });
});
