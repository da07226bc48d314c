import { z } from "zod";

/** The schema of a message's content: a text or its parts. Reads the text parts, joined; what is not text is left out. */
export const contentText = z
  .union([z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))])
  .transform((content) =>
    typeof content === "string" ? content : content.map(({ text = "" }) => text).join(""),
  );
