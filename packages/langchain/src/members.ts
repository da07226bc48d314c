/** The members of a value that came from elsewhere. */
export type Members = Readonly<Record<string, unknown>>;

/** A value's members; none if it is no object. */
export function members(value: unknown): Members {
  return typeof value === "object" && value !== null ? (value as Members) : {};
}

/** The first of these members that is a string with something in it. */
export function stringMember(source: Members, ...names: readonly string[]): string | undefined {
  return names.map((name) => source[name]).find(isText);
}

/** The first of these members that is a finite number. */
export function numberMember(source: Members, ...names: readonly string[]): number | undefined {
  return names.map((name) => source[name]).find(isFiniteNumber);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
