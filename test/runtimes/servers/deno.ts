import { say, suiteHandler } from "../suite-handler.ts";

declare const Deno: {
  serve(
    options: {
      port: number;
      hostname: string;
      onListen: (address: { readonly port: number }) => void;
    },
    handler: (request: Request, info: object) => Promise<Response>,
  ): unknown;
};

const handle = suiteHandler();
Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => say({ event: "listen", port }) },
  (request, info) => handle(request, info),
);
