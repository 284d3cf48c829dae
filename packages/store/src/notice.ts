/**
 * A file for others to look at while this process runs (a status): whole at any moment, but a power failure may take it.
 * Readable by the owner alone.
 */
import fs from "node:fs";
import { diskError, onDisk } from "./disk-error.ts";

const PRIVATE_FILE = 0o600;

export class NoticeFile {
  readonly #path: string;
  readonly #temporary: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#temporary = `${path}.new`;
  }

  /** At once, before anything was written by {@link write}. Throws an {@link InputError} as `writeFileAtomic` does. */
  begin(bytes: Uint8Array): void {
    onDisk("write", this.#path, () => {
      fs.writeFileSync(this.#temporary, bytes, { mode: PRIVATE_FILE });
      fs.renameSync(this.#temporary, this.#path);
    });
  }

  /**
   * After those before it, while the process goes on: a file that is replaced waits for a disk that is busy with others.
   * Rejects with an {@link InputError} as `writeFileAtomic` does.
   */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#replace(bytes));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    try {
      await fs.promises.writeFile(this.#temporary, bytes, { mode: PRIVATE_FILE });
      await fs.promises.rename(this.#temporary, this.#path);
    } catch (error) {
      throw diskError("write", this.#path, error);
    }
  }
}
