import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { toJaeger, toJson, toOtlpJson } from "@waybill/trace";
import type { Trace } from "@waybill/trace";

/** Writes a trace in every format, and returns the files' paths. */
export async function writeTraceFiles(
  trace: Trace,
  folder: string,
  name: string,
): Promise<string[]> {
  const formats = {
    json: toJson(trace),
    "jaeger.json": toJaeger(trace),
    "otlp.json": toOtlpJson(trace),
  };
  await mkdir(folder, { recursive: true });
  return Promise.all(
    Object.entries(formats).map(async ([extension, content]) => {
      const path = join(folder, `${name}.${extension}`);
      await writeFile(path, `${JSON.stringify(content, null, 2)}\n`);
      return path;
    }),
  );
}
