import { RequestTracer } from "@waybill/core/http";
import { describe, expect, it } from "vitest";

const accept = (...keys: readonly string[]) => new RequestTracer({ baggage: { accept: keys } });

describe("the option `accept` of `baggage`", () => {
  it.each([
    "user.id",
    "user.email",
    "session.id",
    "session.previous_id",
    "gen_ai.conversation.id",
    "gen_ai.agent.name",
    "waybill.agent.version",
    "waybill.agent.config_id",
    "tenant",
    "tenant.id",
    "acme.http.route",
    "http",
    "httpx.route",
    "HTTP.route",
    ".http",
    "a%20b",
    "constructor.name",
  ])("takes `%s`", (key) => {
    expect(() => accept("plan", key)).not.toThrow();
  });

  it.each([
    "http.request.method",
    "http.",
    "url.path",
    "server.address",
    "client.address",
    "gen_ai.usage.input_tokens",
    "gen_ai.agent.id",
    "gen_ai.agent.name.x",
    "service.name",
    "db.query.text",
    "error.type",
    "exception.message",
    "otel.status_code",
    "code.function.name",
    "network.peer.address",
    "net.peer.name",
    "messaging.system",
    "rpc.method",
    "openai.api.type",
    "aws.region",
    "deployment.environment.name",
    "enduser.id",
    "waybill.outcome",
    "waybill.agent.type",
    "waybill.tenant",
  ])("refuses `%s`, which a caller could blind the trace with", (key) => {
    const namespace = key.split(".")[0];

    expect(() => accept("plan", key)).toThrow(TypeError);
    expect(() => accept("plan", key)).toThrow(
      `traceMiddleware \`baggage\`: option \`accept\` must not list \`${key}\`: \`${namespace}.*\` belongs to the semantic conventions`,
    );
  });

  it.each(["", "a b", "user id", "a,b", "a=b", "a;b", '"a"', "ä", "a\r\nb", "a/b", "a@b"])(
    "refuses %j, which can be no baggage key",
    (key) => {
      expect(() => accept(key)).toThrow(TypeError);
      expect(() => accept(key)).toThrow(`\`accept\` lists \`${key}\``);
    },
  );

  it("is optional", () => {
    expect(() => new RequestTracer({})).not.toThrow();
    expect(() => new RequestTracer({ baggage: {} })).not.toThrow();
  });
});
