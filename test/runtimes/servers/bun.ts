import { say, suiteHandler } from "../suite-handler.ts";

declare const Bun: {
  serve(options: {
    fetch: (request: Request, server: object) => Promise<Response>;
    port: number;
    hostname: string;
  }): { readonly port: number };
};

const handle = suiteHandler();
const { port } = Bun.serve({
  fetch: (request, server) => handle(request, server),
  port: 0,
  hostname: "127.0.0.1",
});
say({ event: "listen", port });
