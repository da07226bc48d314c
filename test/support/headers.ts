import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { StrictW3CPropagator } from "@waybill/core/otel";

/** Headers of a request by their lowercase names; several lines of one are an array. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const SPAN_ID = "b7ad6b7169203331";

const propagator = new StrictW3CPropagator();

/** The context that a service is in that receives these headers. */
export function received(headers: Headers, context: Context = ROOT_CONTEXT): Context {
  return propagator.extract(context, headers, defaultTextMapGetter);
}

/** The headers that a service sends in this context. */
export function sent(context: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(context, headers, defaultTextMapSetter);
  return headers;
}

/** The headers that a service sends, which starts no span of its own, after it received these. */
export function passedOn(headers: Headers): Record<string, string> {
  return sent(received(headers));
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const OCTETS = "[!#-+\\--:<-\\[\\]-~]*";
const PROPERTY = `${TOKEN}(?:=${OCTETS})?`;
const GRAMMAR: Readonly<Record<string, RegExp>> = {
  traceparent: /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-0[0-3]$/,
  tracestate:
    /^(?=.{1,512}$)[a-z\d][a-z\d_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~](?:,[a-z\d][a-z\d_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]){0,31}$/,
  baggage: new RegExp(
    `^(?=.{1,8192}$)${TOKEN}=${OCTETS}(?:;${PROPERTY})*(?:,${TOKEN}=${OCTETS}(?:;${PROPERTY})*){0,63}$`,
  ),
};

/** The headers that are not as the specifications want them. */
export function malformed(headers: Record<string, string>): [name: string, value: string][] {
  return Object.entries(headers).filter(([name, value]) => GRAMMAR[name]?.test(value) !== true);
}
