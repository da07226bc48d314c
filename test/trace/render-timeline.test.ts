import { buildTrace, renderTimeline } from "@waybill/trace";
import type { Span } from "@waybill/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { agentTrace } from "./agent-trace.ts";
import { plainSpan } from "./plain-span.ts";

const ESCAPE = "\u001b";

describe("the picture", () => {
  it("shows a whole trace in 100 columns", () => {
    expect(`\n${renderTimeline(agentTrace())}\n`).toBe(`
POST /chat · support-desk · 2.41 s · 9 spans · 3 errors
user ada · session session-ada · 3,935 → 283 tokens · 1,024 cached · 64 reasoning
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

                                  0         1 s       2 s
POST /chat                        █████████████████████████   2.41 s  200
└─ invoke_agent support-bot       █████████████████████████   2.40 s
   ├─ chat gpt-5                  █████▍    ┊         ┊       512 ms  ✗ rate_limit_exceeded
   │  │  Rate limit reached for gpt-5. Please try again in 120 ms.
   │  └─ POST                     █████▍    ┊         ┊       509 ms  ✗ 429
   ├─ chat gpt-5                        ▐█████▎       ┊       540 ms  1.83k→96 tok  1.02k cached …
   ├─ execute_tool search_orders            ┊ ▐       ┊      61.0 ms
   │  └─ SELECT orders                      ┊ ▏       ┊      3.30 ms
   ├─ execute_tool refund                   ┊ ████▊   ┊       429 ms  ✗ RefundDenied
   │     order C-3003 was delivered more than 30 days ago
   └─ chat gpt-5                            ┊     ▕███████▉   774 ms  cancelled  2.10k→187 tok
`);
  });

  it("shows it in 40 columns, with the details on lines of their own", () => {
    expect(`\n${renderTimeline(agentTrace(), { width: 40 })}\n`).toBe(`
POST /chat · support-desk · 2.41 s
9 spans · 3 errors
user ada · session session-ada
3,935 → 283 tokens · 1,024 cached
64 reasoning
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

                   0         2 s
POST /chat         █████████████  2.41 s
│ 200
└ invoke_agent su… █████████████  2.40 s
  ├ chat gpt-5     ██▊       ┊    512 ms
  │ │ ✗ rate_limit_exceeded
  │ │ Rate limit reached for gpt-5. Ple…
  │ └ POST         ██▊       ┊    509 ms
  │     ✗ 429
  ├ chat gpt-5        ▐██▍   ┊    540 ms
  │   1.83k→96 tok  1.02k cached …
  ├ execute_tool …       ▐   ┊   61.0 ms
  │ └ SELECT orde…       ▏   ┊   3.30 ms
  ├ execute_tool …       ▐█▋ ┊    429 ms
  │   ✗ RefundDenied
  │   order C-3003 was delivered more t…
  └ chat gpt-5             ▕████  774 ms
      cancelled  2.10k→187 tok
`);
  });

  it("draws with ASCII only where asked to", () => {
    expect(`\n${renderTimeline(agentTrace(), { ascii: true })}\n`).toBe(`
POST /chat - support-desk - 2.41 s - 9 spans - 3 errors
user ada - session session-ada - 3,935 -> 283 tokens - 1,024 cached - 64 reasoning
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

                                  0         1 s       2 s
POST /chat                        =========================   2.41 s  200
\`- invoke_agent support-bot       =========================   2.40 s
   +- chat gpt-5                  =====     :         :       512 ms  ! rate_limit_exceeded
   |  |  Rate limit reached for gpt-5. Please try again in 120 ms.
   |  \`- POST                     =====     :         :       509 ms  ! 429
   +- chat gpt-5                        ======        :       540 ms  1.83k->96 tok  1.02k cached
   +- execute_tool search_orders            : =       :      61.0 ms
   |  \`- SELECT orders                      : =       :      3.30 ms
   +- execute_tool refund                   : =====   :       429 ms  ! RefundDenied
   |     order C-3003 was delivered more than 30 days ago
   \`- chat gpt-5                            :     =========   774 ms  cancelled  2.10k->187 tok
`);
  });

  it("draws with ASCII in 40 columns", () => {
    expect(`\n${renderTimeline(agentTrace(), { ascii: true, width: 40 })}\n`).toBe(`
POST /chat - support-desk - 2.41 s
9 spans - 3 errors
user ada - session session-ada
3,935 -> 283 tokens - 1,024 cached
64 reasoning
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

                   0         2 s
POST /chat         =============  2.41 s
| 200
\` invoke_agent ... =============  2.40 s
  + chat gpt-5     ===       :    512 ms
  | | ! rate_limit_exceeded
  | | Rate limit reached for gpt-5. P...
  | \` POST         ===       :    509 ms
  |     ! 429
  + chat gpt-5        ===    :    540 ms
  |   1.83k->96 tok  1.02k cached ...
  + execute_too...       =   :   61.0 ms
  | \` SELECT or...       =   :   3.30 ms
  + execute_too...       === :    429 ms
  |   ! RefundDenied
  |   order C-3003 was delivered more...
  \` chat gpt-5             =====  774 ms
      cancelled  2.10k->187 tok
`);
  });

  it("colours by kind of work, errors red, the rest faint, and is the same picture without colours", () => {
    const colored = renderTimeline(agentTrace(), { color: true });
    const lines = colored.split("\n");

    expect(lines[0]?.startsWith(`${ESCAPE}[1mPOST /chat${ESCAPE}[0m`)).toBe(true);
    expect(lines.find((line) => line.includes("rate_limit"))).toBe(
      [
        `${ESCAPE}[2m   ├─ ${ESCAPE}[0m${ESCAPE}[36mchat gpt-5                ${ESCAPE}[0m`,
        `${ESCAPE}[31m█████▍${ESCAPE}[0m${ESCAPE}[2m    ┊         ┊    ${ESCAPE}[0m`,
        " 512 ms",
        `${ESCAPE}[31m✗ rate_limit_exceeded${ESCAPE}[0m`,
      ].join("  "),
    );
    expect(lines.find((line) => line.includes("invoke_agent"))).toContain(`${ESCAPE}[35minvoke`);
    expect(lines.find((line) => line.includes("search_orders"))).toContain(`${ESCAPE}[33mexecute`);
    expect(lines[5]).toContain(`${ESCAPE}[32mPOST /chat`);
    expect(withoutColors(colored)).toBe(renderTimeline(agentTrace()));
  });

  it("marks running spans, and lets their bars fade out where the known time ends", () => {
    const request = plainSpan("GET /", { endMs: undefined, kind: "server" });
    const trace = buildTrace([
      request,
      plainSpan("done", { parent: request, endMs: 50 }),
      plainSpan("going on", { parent: request, startMs: 50, endMs: undefined }),
      plainSpan("last", { parent: request, startMs: 90, endMs: 100 }),
      plainSpan("just begun", { parent: request, startMs: 100, endMs: undefined }),
    ]);

    expect(`\n${renderTimeline(trace, { width: 72 })}\n`).toBe(`
GET / · support-desk · 100 ms · 5 spans · 3 running
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

               0                  50 ms              100 ms
GET /          ████████████████████████████████████▓▒░   100 ms  running
├─ done        ███████████████████▌                  ┊  50.0 ms
├─ going on                       ▐████████████████▓▒░  50.0 ms  running
├─ last                           ┊               ████  10.0 ms
└─ just begun                     ┊                  ░     0 µs  running
`);
  });
});

describe("a line", () => {
  it("is never wider than asked, whatever the spans say, and holds no control character", () => {
    fc.assert(
      fc.property(
        traces,
        fc.integer({ min: 40, max: 140 }),
        fc.boolean(),
        (spans, width, ascii) => {
          const picture = renderTimeline(buildTrace(spans), { width, ascii });

          for (const line of picture.split("\n")) {
            expect(columnsOf(line), line).toBeLessThanOrEqual(width);
            expect(line).not.toMatch(/\p{Cc}|\s$/u);
          }
        },
      ),
    );
  });

  it("is the same with colours", () => {
    fc.assert(
      fc.property(traces, fc.integer({ min: 40, max: 140 }), (spans, width) => {
        const trace = buildTrace(spans);

        expect(withoutColors(renderTimeline(trace, { width, color: true }))).toBe(
          renderTimeline(trace, { width }),
        );
      }),
    );
  });

  it("is drawn for each span, however many there are at whatever depth", () => {
    const chain = [plainSpan("level 0", { spanId: idOf(0), endMs: 20_000 })];
    for (let level = 1; level < 10_000; level += 1) {
      chain.push(
        plainSpan(`level ${level}`, {
          spanId: idOf(level),
          parentSpanId: idOf(level - 1),
          startMs: level,
          endMs: 20_000 - level,
        }),
      );
    }
    const lines = renderTimeline(buildTrace(chain), { width: 80 }).split("\n");

    expect(lines).toHaveLength(4 + 10_000);
    expect(lines.find((line) => line.includes("level 6 "))?.indexOf("└─ level 6")).toBe(15);
    expect(lines.find((line) => line.includes("level 7 "))?.indexOf("↳7 level 7")).toBe(18);
    expect(lines.at(-1)?.indexOf("↳9999 level 9999")).toBe(18);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("counts Chinese, Japanese, Korean and emoji as two columns, and combining marks as none", () => {
    const names = [
      "ab",
      "漢字",
      "한글",
      "ﾊﾝ",
      "👩‍💻🇫🇷",
      "e\u0301n\u0303",
      "1\ufe0f\u20e3❤\ufe0f",
      "☝🏽x",
    ];
    const root = plainSpan("root", { endMs: 10 });
    const spans = names.map((name, index) =>
      plainSpan(name, { spanId: idOf(index), parent: root, endMs: 10 }),
    );
    const rows = renderTimeline(buildTrace([root, ...spans]), { width: 40 })
      .split("\n")
      .slice(-8);

    expect(rows.map((row) => row.slice(2, row.indexOf("█")))).toEqual([
      "ab   ",
      "漢字 ",
      "한글 ",
      "ﾊﾝ   ",
      "👩‍💻🇫🇷 ",
      "e\u0301n\u0303   ",
      "1\ufe0f\u20e3❤\ufe0f ",
      "☝🏽x  ",
    ]);
  });

  it("cuts a name that is too long between characters, never within one", () => {
    const trace = buildTrace([plainSpan("漢字漢字漢字漢字漢字漢字漢字", { endMs: 10 })]);
    const row = renderTimeline(trace, { width: 40 }).split("\n").at(-1);

    expect(row?.slice(0, row.indexOf(" "))).toBe("漢字漢字漢字漢字…");
  });
});

describe("text from a span", () => {
  it("cannot control the terminal", () => {
    const hostile = `a${ESCAPE}[2Jb${ESCAPE}]0;title\u0007c\r\nd\u009b31me\u202ef\u0000g`;
    const trace = buildTrace([
      plainSpan(hostile, {
        kind: "server",
        status: { code: "error", message: hostile },
        attributes: {
          "error.type": hostile,
          "user.id": hostile,
          "session.id": hostile,
          "waybill.outcome": hostile,
          "http.response.status_code": hostile,
          "waybill.attempt": hostile,
        },
        resource: { "service.name": hostile },
      }),
    ]);
    const picture = renderTimeline(trace, { width: 300, color: true });

    expect(withoutColors(picture)).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(picture).toContain("user a�[2Jb�]0;title�c d�31me�f�g");
    expect(renderTimeline(trace, { ascii: true, width: 300 })).toContain(
      "user a?[2Jb?]0;title?c d?31me?f?g",
    );
  });

  it("cannot hide text, nor put a command together from pieces", () => {
    const trace = buildTrace([
      plainSpan(`visible\u{e0041}\u200b\u3164 \ud800 ${ESCAPE}${ESCAPE}[1m[31mred`, { endMs: 10 }),
    ]);

    expect(renderTimeline(trace).split("\n")[0]).toMatch(/^visible � �\[31mred · /);
  });

  it("loses the colours that it was written with", () => {
    const message = `${ESCAPE}[1;31mError:${ESCAPE}[39m gone${ESCAPE}[0m`;
    const trace = buildTrace([plainSpan("work", { status: { code: "error", message } })]);

    expect(renderTimeline(trace).split("\n").at(-1)).toBe("   Error: gone");
  });
});

describe("the header", () => {
  it("says what was asked, of which services, and that something is missing", () => {
    const orphan = plainSpan("orphan", { parentSpanId: "f".repeat(16), endMs: 10 });
    const other = plainSpan("other", { resource: { "service.name": "billing" } });

    expect(
      renderTimeline(buildTrace([orphan, other]))
        .split("\n")
        .slice(0, 2),
    ).toEqual([
      "orphan · support-desk, billing · 10.0 ms · 2 spans · incomplete",
      "trace 9c1f4e2a7b3d58604a1e0cf2d6b79835",
    ]);
  });

  it("says how many spans were dropped", () => {
    const trace = buildTrace([plainSpan("root")], { droppedSpans: 1234 });

    expect(renderTimeline(trace).split("\n")[0]).toBe(
      "root · support-desk · 1.00 ms · 1 span · 1,234 dropped",
    );
  });

  it("leaves out what is not known", () => {
    const nameless = plainSpan("", { resource: {}, endMs: 0 });

    expect(`\n${renderTimeline(buildTrace([nameless]), { width: 40 })}\n`).toBe(`
(no name) · 0 µs · 1 span
trace 9c1f4e2a7b3d58604a1e0cf2d6b79835

(no name) ▏                         0 µs
`);
  });
});

describe("a bar", () => {
  it("is to scale, to an eighth of a column at its end and a half at its beginning", () => {
    expect(bars([0, 100], [0, 50], [50, 100], [1, 3], [0, 1.3], [98.7, 100], [12.6, 26])).toEqual([
      "██████████████████████████████",
      "███████████████",
      "               ███████████████",
      "▐",
      "▍",
      "                             ▐",
      "   ▕███▊",
    ]);
  });

  it("is visible however short the span is, and stays on the axis", () => {
    expect(bars([0, 100], [0, 0], [50, 50.1], [99.99, 100], [100, 100], [70, 20])).toEqual([
      "██████████████████████████████",
      "▏",
      "               ▏",
      "                             ▕",
      "                             ▕",
      "                     ▏",
    ]);
  });

  it("is a mark at the beginning if the whole trace took no time", () => {
    const trace = buildTrace([plainSpan("a", { endMs: 0 }), plainSpan("b", { endMs: 0 })]);

    expect(renderTimeline(trace).match(/▏/g)).toHaveLength(2);
  });

  function bars(...stretches: readonly (readonly [number, number])[]): string[] {
    const spans = stretches.map(([startMs, endMs], index) =>
      plainSpan(`span ${index}`, { spanId: idOf(index), startMs, endMs }),
    );
    const lines = renderTimeline(buildTrace(spans), { width: 45 }).split("\n");
    return spans.map(({ name }) => {
      const line = lines.findLast((candidate) => candidate.startsWith(`${name} `)) ?? "";
      return line.slice(7, 37).replaceAll("┊", " ").trimEnd();
    });
  }
});

describe("durations and the time axis", () => {
  it.each([
    [0, "0 µs"],
    [1, "0.001 µs"],
    [345, "0.345 µs"],
    [12_340, "12.3 µs"],
    [999_499, "999 µs"],
    [999_500, "1.00 ms"],
    [123_456_000, "123 ms"],
    [999_600_000, "1.00 s"],
    [59_900_000_000, "59.9 s"],
    [59_960_000_000, "1.00 min"],
    [754_000_000_000, "12.6 min"],
    [3_599_000_000_000, "1.00 h"],
    [90_000_000_000_000, "25.0 h"],
    [9_000_000_000_000_000, "2500 h"],
    [2 ** 64, "5.12e+6 h"],
  ])("writes %d ns as %s", (ns, text) => {
    const span = plainSpan("span", { startNs: 0n, endNs: BigInt(ns) });

    expect(renderTimeline(buildTrace([span])).split("\n")[0]).toBe(
      `span · support-desk · ${text} · 1 span`,
    );
  });

  it.each([
    [0.000_9, "0  100 µs  200 µs  300 µs  400 µs  500 µs  600 µs  700 µs  800 µs  900 µs"],
    [0.25, "0  50 ms  100 ms  150 ms  200 ms  250 ms"],
    [2.4, "0  500 ms  1 s  1.5 s  2 s"],
    [50, "0  10 s  20 s  30 s  40 s  50 s"],
    [70, "0  30 s  1 min"],
    [4000, "0  30 min  1 h"],
    [90_000, "0  5 h  10 h  15 h  20 h  25 h"],
  ])("labels %d s at round moments", (seconds, labels) => {
    const span = plainSpan("span", { endMs: seconds * 1000 });
    const axis = renderTimeline(buildTrace([span]), { width: 130 }).split("\n")[3];

    expect(axis?.trim().replaceAll(/ {2,}/g, "  ")).toBe(labels);
  });
});

describe("details", () => {
  it("shows the word of each outcome", () => {
    for (const outcome of ["cancelled", "aborted", "abandoned"]) {
      expect(detailsOf({ "waybill.outcome": outcome })).toBe(outcome);
    }
    expect(detailsOf({ "waybill.outcome": "error" })).toBe("");
  });

  it("shows tokens of model calls only, in three digits", () => {
    const usage = {
      "gen_ai.usage.input_tokens": 1_234_567,
      "gen_ai.usage.output_tokens": 999,
      "gen_ai.usage.cache_read.input_tokens": 45_600,
    };

    expect(detailsOf({ ...usage, "gen_ai.operation.name": "chat" })).toBe(
      "1.23M→999 tok  45.6k cached",
    );
    expect(detailsOf({ ...usage, "gen_ai.operation.name": "invoke_agent" })).toBe("");
  });

  it("shows an error without a type, and a status code that is the error's type once", () => {
    const status = { code: "error" } as const;

    expect(detailsOf({}, { status })).toBe("✗ error");
    expect(detailsOf({ "error.type": "500", "http.response.status_code": 500 }, { status })).toBe(
      "✗ 500",
    );
    expect(
      detailsOf({ "error.type": "TypeError", "http.response.status_code": 500 }, { status }),
    ).toBe("✗ TypeError  500");
  });

  it("shows the message of an error once, where it came from, and another one too", () => {
    const gone = { code: "error", message: "gone" } as const;
    const request = plainSpan("request", { status: gone });
    const agent = plainSpan("agent", { parent: request, status: { code: "error" } });
    const tool = plainSpan("tool", { parent: agent, status: gone });
    const other = plainSpan("other", { status: { code: "error", message: "no budget left" } });
    const below = plainSpan("below", { parent: other, status: gone });
    const lines = renderTimeline(buildTrace([request, agent, tool, other, below]), { width: 80 })
      .split("\n")
      .slice(4)
      .map((line) => line.replace(/ +█.*/, ""));

    expect(lines).toEqual([
      "request",
      "└─ agent",
      "   └─ tool",
      "         gone",
      "other",
      "│  no budget left",
      "└─ below",
      "      gone",
    ]);
  });

  function detailsOf(attributes: Span["attributes"], options: Partial<Span> = {}): string {
    const span = plainSpan("span", { attributes, ...options });
    const row =
      renderTimeline(buildTrace([span]), { width: 120 })
        .split("\n")
        .at(-1) ?? "";
    return row.replace(/^span +█+ +1\.00 ms */, "");
  }
});

describe("the width", () => {
  it("is at least 40 columns", () => {
    expect(renderTimeline(agentTrace(), { width: 1 })).toBe(
      renderTimeline(agentTrace(), { width: 40 }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("is not %d", (width) => {
    expect(() => renderTimeline(agentTrace(), { width })).toThrow(
      new TypeError(
        `renderTimeline: option \`width\` must be a whole number of at least 1, got ${width}`,
      ),
    );
  });
});

/** Pieces of text with the columns that they take; nothing for what must not be written as it is. */
const PIECES = new Map<string, number>([
  ["a", 1],
  ["Zz 9", 4],
  ["漢", 2],
  ["한", 2],
  ["e\u0301", 1],
  ["👩‍💻", 2],
  ["🇫🇷", 2],
  ["😀", 2],
  ["ﾊ", 1],
  ["�", 1],
]);
const HOSTILE = [
  ESCAPE,
  `${ESCAPE}[31m`,
  "\u0007",
  "\r\n",
  "\u009b2J",
  "\u202e",
  "\u200b",
  "\ud800",
];

const text = fc
  .array(fc.constantFrom(...PIECES.keys(), ...HOSTILE), { maxLength: 40 })
  .map((pieces) => pieces.join(""));

const traces = fc
  .array(
    fc.record({
      name: text,
      parent: fc.nat(30),
      startMs: fc.nat(1000),
      lastsMs: fc.option(fc.nat(1000), { nil: undefined }),
      code: fc.constantFrom("unset" as const, "ok" as const, "error" as const),
      message: text,
      word: text,
      operation: fc.constantFrom("chat", "invoke_agent", "execute_tool", "none"),
      tokens: fc.nat(),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((drawn) =>
    drawn.map(({ name, parent, startMs, lastsMs, code, message, word, operation, tokens }, index) =>
      plainSpan(name, {
        spanId: idOf(index),
        parentSpanId: idOf(parent),
        startMs,
        endMs: lastsMs === undefined ? undefined : startMs + lastsMs,
        status: { code, message },
        attributes: {
          "error.type": word,
          "waybill.outcome": word,
          "user.id": word,
          "gen_ai.operation.name": operation,
          "gen_ai.usage.input_tokens": tokens,
          "gen_ai.usage.cache_read.input_tokens": tokens,
        },
        resource: { "service.name": word },
      }),
    ),
  );

/** The columns of a line that is made of {@link PIECES} and of characters that take one. */
function columnsOf(line: string): number {
  let columns = 0;
  let rest = line;
  for (const [piece, width] of PIECES) {
    if (piece.length === width && piece.length === 1) continue;
    const parts = rest.split(piece);
    columns += (parts.length - 1) * width;
    rest = parts.join("");
  }
  return columns + rest.length;
}

function withoutColors(picture: string): string {
  return picture.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, "g"), "");
}

function idOf(index: number): string {
  return index.toString(16).padStart(16, "0");
}
