import type { SpanLog } from "./span-log.ts";

/** A service that is asked, and what it records. */
export interface Service {
  /** By a call within the process, or over HTTP. */
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  readonly log: SpanLog;
}

/** A test that needs no test runner: it fails by throwing. */
export interface TestCase<T = void> {
  readonly name: string;
  readonly run: (subject: T) => Promise<void> | void;
}
