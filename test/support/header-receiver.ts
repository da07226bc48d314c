import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that keeps what it is sent, header lines as they came. */
export interface HeaderReceiver {
  /** Ends in a slash. What is sent to `{url}moved` is redirected to it. */
  readonly url: string;
  readonly received: readonly ReceivedRequest[];

  /** The values of a header, line by line, in each request. */
  readonly values: (name: string) => (string | undefined)[][];
  readonly forget: () => void;
  readonly close: () => void;
}

interface ReceivedRequest {
  readonly method: string;
  readonly lines: readonly string[];
  readonly body: string;
}

/** Starts one on a free port of the loopback interface. */
export async function startHeaderReceiver(): Promise<HeaderReceiver> {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      const { rawHeaders, method = "" } = request;
      const lines = rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? `${name.toLowerCase()}: ${rawHeaders[index + 1]}` : [],
      );
      received.push({ method, lines, body });
      if (request.url === "/moved") response.writeHead(302, { location: "/" });
      response.end("answer");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    values: (name) =>
      received.map(({ lines }) =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.split(": ")[1]),
      ),
    forget: () => {
      received.length = 0;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
