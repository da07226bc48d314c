import { isPromiseLike } from "../is-promise-like.ts";
import { attempt, reportFailure } from "../report-failure.ts";

/**
 * What a user's function gives. `undefined` if it throws, or if it gives a promise, which nobody waits for; both are told
 * to `diag`, and so is a promise that rejects.
 *
 * @param name What the function is, for the message.
 */
export function callHook<T>(name: string, call: () => T): T | undefined {
  return attempt(`${name} threw`, () => {
    const result = call();
    if (!isPromiseLike(result)) return result;
    reportFailure(`${name} returned a promise, which is not waited for`);
    Promise.resolve(result).catch((error: unknown) => {
      reportFailure(`the promise that ${name} returned was rejected`, error);
    });
    return undefined;
  });
}
