import type { z } from "zod";

import { ApiError } from "./api-error.ts";

/** Reads a request's body by its schema. Throws an {@link ApiError} that says what is missing or malformed, and where. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const { data, error } = schema.safeParse(body, { reportInput: true });
  if (error === undefined) return data;

  const [issue] = error.issues;
  if (issue === undefined || issue.path.length === 0) {
    throw new ApiError(400, "The body of a request must be a JSON object.");
  }
  const param = paramName(issue.path);
  throw issue.input === undefined
    ? new ApiError(400, `Missing required parameter: '${param}'.`, {
        code: "missing_required_parameter",
        param,
      })
    : new ApiError(400, `Invalid value for '${param}': ${issue.message}.`, {
        code: "invalid_value",
        param,
      });
}

/** `messages[0].role` */
function paramName(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}
