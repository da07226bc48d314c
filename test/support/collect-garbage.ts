import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects garbage now. Finalizers run in a later macrotask. */
export const collectGarbage = runInNewContext("gc") as () => void;
