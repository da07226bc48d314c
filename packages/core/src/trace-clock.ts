import type { HrTime } from "@opentelemetry/api";

/**
 * A trace's clock: the wall clock's time at its making, and from there on the monotonic clock.
 *
 * OpenTelemetry's SDKs start each span at a whole millisecond of the wall clock and measure only its duration exactly, so
 * that a span of theirs may seem to begin before its parent and to end after it. All spans of ours in one trace share a
 * clock instead: each lies where it was, to the microsecond, within its parent.
 */
export class TraceClock {
  readonly #offsetMs = wallClock.offsetMs();

  /** Seconds since the Unix epoch, and the nanoseconds beyond them. */
  now(): HrTime {
    const epochMs = this.#offsetMs + performance.now();
    const seconds = Math.floor(epochMs / 1000);
    const nanoseconds = Math.round((epochMs - seconds * 1000) * 1e6);
    return [seconds, Math.min(nanoseconds, 999_999_999)];
  }
}

/**
 * Tells the wall clock's time in more than the whole milliseconds of `Date.now()`. Each look at it says within which
 * millisecond the two clocks' difference lies; what is common to all looks is soon much narrower than that. When the wall
 * clock is set, or drifts, it begins anew.
 */
class WallClock {
  #lowMs = -Infinity;
  #highMs = Infinity;

  /** What has to be added to `performance.now()`. */
  offsetMs(): number {
    const lowMs = Date.now() - performance.now();
    const hasDrifted = lowMs > this.#highMs || lowMs + 1 < this.#lowMs;
    this.#lowMs = hasDrifted ? lowMs : Math.max(lowMs, this.#lowMs);
    this.#highMs = hasDrifted ? lowMs + 1 : Math.min(lowMs + 1, this.#highMs);
    const { timeOrigin } = performance;
    const fits = timeOrigin >= this.#lowMs && timeOrigin <= this.#highMs;
    return fits ? timeOrigin : (this.#lowMs + this.#highMs) / 2;
  }
}

const wallClock = new WallClock();
