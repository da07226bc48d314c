import type { NodeExchange } from "@waybill/core/http";

/** Node's request and response, from a Hono context's `env`, where Hono runs on `@hono/node-server`. */
export function nodeConnection(env: unknown): NodeExchange | undefined {
  const { server = env } = members(env);
  const { incoming, outgoing } = members(server) as Partial<NodeExchange>;
  const isNode =
    typeof outgoing?.prependOnceListener === "function" && incoming?.socket instanceof Object;
  return isNode ? { incoming, outgoing } : undefined;
}

function members(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
