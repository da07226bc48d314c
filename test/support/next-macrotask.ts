/** Resolves in the next macrotask, after everything that was waiting for its turn. */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => setImmediate(resolve), 1);
  });
}
