/** The members of an object that have a value: neither `undefined` nor `null`, and no NaN. */
export function definedMembers<T extends object>(members: T | null | undefined): Partial<T> {
  const defined: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members ?? {})) {
    if (value !== undefined && value !== null && !Number.isNaN(value)) defined[name] = value;
  }
  return defined as Partial<T>;
}
