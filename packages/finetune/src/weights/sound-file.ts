/** How a file that breaks its format's rules is refused: by place, format and what was expected where. */
import { InputError, ShapeError } from "@bulkhead/base";

/** What stands in a file from outside goes onto terminals only if it is a name. */
export const printable = (name: string): string => (/^[\w./-]{1,200}$/u.test(name) ? name : "(unprintable)");

const FORMATS = { safetensors: "safetensors", gguf: "GGUF" };

/** Turns what a shape refuses in this file into an {@link InputError}. */
export const soundFile = <T>(format: keyof typeof FORMATS, place: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: `model-${format}`,
      place,
      problem: `not a sound ${FORMATS[format]} file: ${error.message}`,
      cure: "fetch or export the file again",
    });
  }
};
