/** What is read of Node's request and response, where Hono runs on `@hono/node-server`. */
export interface NodeConnection {
  readonly incoming: {
    readonly httpVersion: string;
    readonly socket: { readonly remoteAddress?: string; readonly remotePort?: number };
  };
  readonly outgoing: {
    readonly headersSent: boolean;
    readonly statusCode: number;
    readonly writableFinished: boolean;
    readonly errored?: Error | null;
    readonly once: (event: "close", listener: () => void) => unknown;
  };
}

/** Node's request and response, from a Hono context's `env`; nothing on other runtimes. */
export function nodeConnection(env: unknown): NodeConnection | undefined {
  if (typeof env !== "object" || env === null) return undefined;
  const { server = env } = env as { server?: unknown };
  const { incoming, outgoing } = server as Partial<NodeConnection>;
  const isNode = typeof outgoing?.once === "function" && incoming?.socket !== undefined;
  return isNode ? { incoming, outgoing } : undefined;
}
