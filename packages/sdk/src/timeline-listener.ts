import { renderTimeline } from "@waybill/trace";

import type { TimelineOptions } from "./start-tracing-options.ts";
import type { TraceListener } from "./trace-recorder.ts";

/** Draws traces, as the options say and the terminal is; `undefined` if none shall be drawn. */
export function timelineListener(
  timeline: boolean | TimelineOptions | undefined,
): TraceListener | undefined {
  const { stderr } = process;
  const wanted = timeline ?? (stderr.isTTY && process.env.NODE_ENV !== "production");
  if (wanted === false || wanted === undefined) return undefined;

  const given = typeof wanted === "object" ? wanted : {};
  const write = given.write ?? writeToStderr;
  const color = given.color ?? (stderr.isTTY && !process.env.NO_COLOR);
  return (finished) => {
    // A terminal that does not know its width says 0.
    const width = given.width ?? (stderr.columns || 100);
    return write(`${renderTimeline(finished, { width: Math.max(40, width), color })}\n`);
  };
}

/** That nobody reads stderr any more must not end the process, as an `error` event without a listener would. */
function writeToStderr(text: string): void {
  const { stderr } = process;
  stderr.write(text, (error) => {
    if (error) stderr.once("error", () => {});
  });
}
