/** Files that this program has written itself, and that may have been damaged since. */
import { InputError, type InputProblem, ShapeError, utf8ToText } from "@bulkhead/base";
import { readFileBounded } from "@bulkhead/store";

interface OwnFile<T> {
  /** In bytes. */
  readonly longest: number;
  /** Throws a {@link ShapeError}, or what `JSON.parse` throws, on all else. */
  readonly parse: (bytes: Uint8Array) => T;
  /** What is said of a damaged one, about the file. */
  readonly damaged: Pick<InputProblem, "code" | "problem" | "cure">;
}

/** `undefined` where there is no such file. Throws an {@link InputError} that names the file, and the field if it is one. */
export const readOwnFile = async <T>(
  file: string,
  { longest, parse, damaged }: OwnFile<T>,
): Promise<T | undefined> => {
  const bytes = await readFileBounded(file, longest).catch(undefinedIfMissing);
  if (bytes === undefined) return undefined;
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError || error instanceof TypeError))
      throw error;
    const field = error instanceof ShapeError ? error.path : "";
    throw new InputError({ ...damaged, place: field === "" ? file : `${file} ${field}` });
  }
};

export const parseJson = (bytes: Uint8Array): unknown => JSON.parse(utf8ToText(bytes));

const undefinedIfMissing = (error: unknown): undefined => {
  if (error instanceof InputError && error.code === "file-missing") return undefined;
  throw error;
};
