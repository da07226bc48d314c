import * as traceExports from "@waybill/trace";
import { expect, it } from "vitest";

import { readme } from "../support/readme.ts";

it("names every function that @waybill/trace exports in its README", () => {
  const documented = Array.from(readme("trace").matchAll(/^\| `(\w+)\(/gm), ([, name]) => name);

  expect(new Set(documented)).toEqual(new Set(Object.keys(traceExports)));
});
