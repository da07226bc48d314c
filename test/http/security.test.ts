import { expect, it } from "vitest";

import { sendRaw } from "../support/http-services.ts";
import { describeServices } from "./traced-service.ts";

/** Would overwrite what the service itself knows. */
const BLINDING =
  "http.request.method=HACK,service.name=evil,gen_ai.usage.input_tokens=999999,url.path=/fake";
const flood = Array.from({ length: 150 }, (_, index) => `k${index}=v`).join(",");

describeServices("a request with hostile headers", (service) => {
  it.each([
    ["nothing is accepted", []],
    ["something is accepted", ["user.id", "tenant", "k1"]],
  ])(
    "overwrites no attribute, and keeps none from being recorded, where %s",
    async (_title, accept) => {
      await service.start({ baggage: { accept } });
      await service.get("/tool", { baggage: `${BLINDING},${flood}` });

      const { attributes, droppedAttributesCount } = service.serverSpan();
      expect(attributes).toMatchObject({
        "http.request.method": "GET",
        "url.path": "/tool",
        "http.route": "/tool",
        "http.response.status_code": 200,
      });
      expect(droppedAttributesCount).toBe(0);
      const recorded = JSON.stringify(
        service
          .recording()
          .spans()
          .map((span) => span.attributes),
      );
      expect(recorded).not.toMatch(/HACK|evil|999999|fake/);
      expect(recorded.match(/"k\d+"/g) ?? []).toHaveLength(accept.includes("k1") ? 2 : 0);
    },
  );

  it("gets no more members in than may come in", async () => {
    const accept = Array.from({ length: 150 }, (_, index) => `k${index}`);
    await service.start({ baggage: { accept } });
    const { body } = await service.get("/baggage", { baggage: flood });

    expect(Object.keys(JSON.parse(body))).toEqual(accept.slice(0, 16));
  });

  it("has its baggage counted in the order of `accept`, without what does not fit", async () => {
    await service.start({
      baggage: { accept: ["d", "c", "b", "a"], maxMembers: 2, maxBytes: 8, maxValueLength: 5 },
    });
    const { body } = await service.get("/baggage", { baggage: "a=1,b=12345,c=123456,d=%C3%B8" });

    expect(JSON.parse(body)).toEqual({ d: "ø", a: "1" });
  });

  it("gets no values in that are longer than 256 characters", async () => {
    await service.start({ baggage: { accept: ["fits", "long"] } });
    const baggage = `fits=${"x".repeat(256)},long=${"x".repeat(257)}`;
    const { body } = await service.get("/baggage", { baggage });

    expect(Object.keys(JSON.parse(body))).toEqual(["fits"]);
  });

  it("has 12 KB of baggage cut between its members, and `diag` hears of it", async () => {
    await service.start({ baggage: { accept: ["first", "last"] } });
    const padding = Array.from({ length: 60 }, (_, index) => `k${index}=${"x".repeat(200)}`);
    const { status, body } = await service.get("/baggage", {
      baggage: ["first=1", ...padding, "last=1"].join(","),
    });

    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ first: "1" });
    expect(service.warnings()).toContain("was cut to 8192 characters");
  });

  it("is answered as usual when its headers are one member of 12 KB", async () => {
    await service.start({ baggage: { accept: ["user.id"] } });
    const { status } = await service.get("/orders/1", {
      baggage: `user.id=${"x".repeat(12_000)}`,
    });

    expect(status).toBe(200);
    expect(service.serverSpan().attributes).not.toHaveProperty("user.id");
  });

  it("puts no control characters into attributes or baggage", async () => {
    await service.start({ baggage: { accept: ["user.id", "tenant"] } });
    const { body } = await service.get("/baggage", {
      baggage: "user.id=a%0D%0Ab%1B%5B31m,tenant=x%00y",
    });

    expect(JSON.parse(body)).toEqual({ "user.id": "ab[31m", tenant: "xy" });
    expect(service.serverSpan().attributes).toMatchObject({ "user.id": "ab[31m", tenant: "xy" });
  });

  it("gets no `__proto__` in", async () => {
    await service.start({ baggage: { accept: ["tenant"] } });
    const { body } = await service.get("/baggage", {
      baggage: "__proto__=polluted,constructor=x,tenant=acme",
    });

    expect(JSON.parse(body)).toEqual({ tenant: "acme" });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("has none of its credentials recorded", async () => {
    const { url } = await service.start();
    await sendRaw(
      { url },
      "GET /orders/1?token=s3cret&%74oken=s3cret HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Bearer s3cret\r\n" +
        "Cookie: id=s3cret\r\nConnection: close\r\n\r\n",
    );
    await service.recording().idle();

    expect(JSON.stringify(service.serverSpan().attributes)).not.toContain("s3cret");
  });
});
