/** A split's files as rows to train on, and as questions: the tokens up to the answer, with the folder that is right. */
import { readFile } from "node:fs/promises";
import { invariant } from "@bulkhead/base";
import { type LanguageRow, type Reader, type RowRecipe, rowsToTokens } from "@bulkhead/finetune";
import { type Folder, FOLDERS } from "./folder-mail.ts";

export interface FolderReader {
  readonly recipe: RowRecipe;
  readonly reader: Reader;
}

interface FolderRow {
  readonly subject: string;
  readonly body: string;
  readonly folder: Folder;
}

export interface AskedMail {
  readonly subject: string;
  readonly folder: Folder;
  readonly prompt: Int32Array;
}

const readRows = async (file: string): Promise<readonly FolderRow[]> => {
  const text = await readFile(file, "utf8");
  return (
    text
      .split("\n")
      .filter((line) => line !== "")
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by write-folder-rows.ts
      .map((line) => JSON.parse(line) as FolderRow)
  );
};

const tokensOf = (rows: readonly FolderRow[], { recipe, reader }: FolderReader) => {
  const { rows: tokens, report } = rowsToTokens(
    rows.map((row) => ({ ...row })),
    recipe,
    reader,
  );
  invariant(report.rowsLeftOut.length === 0, "every mail has room for its answer");
  return tokens;
};

export const trainingRows = async (
  files: readonly string[],
  reader: FolderReader,
): Promise<readonly LanguageRow[]> => {
  const rows = await Promise.all(files.map(readRows));
  return tokensOf(rows.flat(), reader).map(({ ids, learn }) => ({ ids, targets: learn }));
};

/** As they are cut for training, where the answer has its place: a longer answer leaves less of the mail. */
export const askedMails = async (file: string, reader: FolderReader): Promise<readonly AskedMail[]> => {
  const rows = await readRows(file);
  const tokens = tokensOf(rows, reader);
  return rows.map(({ subject, folder }, i) => {
    const { ids, learn } = tokens[i]!;
    return { subject, folder, prompt: ids.slice(0, learn.indexOf(1)) };
  });
};

/** The first token of each folder's name. */
export const answerTokens = ({ reader }: FolderReader): readonly number[] => {
  const firsts = FOLDERS.map((folder) => reader.tokenizer.encode(folder)[0]!);
  invariant(new Set(firsts).size === FOLDERS.length, "the first token tells the folders apart");
  return firsts;
};
