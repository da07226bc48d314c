import { diag, DiagLogLevel } from "@opentelemetry/api";
import { afterEach, beforeEach, vi } from "vitest";

/**
 * What `diag` hears in each test of a file. Timers and the clock are fake, and each test is an hour after the one before:
 * a cause is reported once a minute only.
 */
export function heardByDiag(): () => string {
  let nowMs = Date.now();
  let heard: unknown[] = [];
  beforeEach(() => {
    nowMs += 3_600_000;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: nowMs });
    heard = [];
    const hear = (...message: unknown[]): void => void heard.push(...message);
    diag.setLogger(
      { warn: hear, error: hear, info() {}, debug() {}, verbose() {} },
      DiagLogLevel.WARN,
    );
  });
  afterEach(() => {
    diag.disable();
    vi.useRealTimers();
  });
  return () => heard.map(String).join("\n");
}
