/** The open journal and what it says: an entry is in both, or in neither. */
import type { Journal } from "@bulkhead/store";
import type { CellEntry } from "./journal.ts";
import { type Progress, progressAfter, progressOf } from "./progress.ts";

export class Memory {
  readonly #journal: Pick<Journal<CellEntry>, "append">;
  #progress: Progress;

  constructor(journal: Journal<CellEntry>, place: string) {
    this.#journal = journal;
    this.#progress = progressOf(journal.entries, place);
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Resolves when the entry is on the disk. */
  async note(entry: CellEntry): Promise<void> {
    await this.#journal.append(entry);
    this.#progress = progressAfter(this.#progress, entry);
  }
}
