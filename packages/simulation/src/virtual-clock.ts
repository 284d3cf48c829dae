/** Time that passes only when something happens: an ordered queue of actions, run one after the other. */
export interface Timer {
  readonly cancel: () => void;
}

interface Entry {
  readonly at: number;
  readonly turn: number;
  readonly action: () => void;
}

export class VirtualClock {
  #now = 0;
  #turn = 0;
  #passed = 0;
  /** Ascending by time, then by turn. */
  readonly #entries: Entry[] = [];

  get now(): number {
    return this.#now;
  }

  /** How many actions have run. */
  get passed(): number {
    return this.#passed;
  }

  after(ms: number, action: () => void): Timer {
    const entry: Entry = { at: this.#now + ms, turn: this.#turn++, action };
    this.#entries.splice(this.#placeOf(entry.at), 0, entry);
    return {
      cancel: () => {
        const at = this.#entries.indexOf(entry);
        if (at >= 0) this.#entries.splice(at, 1);
      },
    };
  }

  /** Runs until nothing is left to do; throws after `mostActions`, since then something goes in circles. */
  run(mostActions: number): void {
    for (let entry = this.#entries.shift(); entry !== undefined; entry = this.#entries.shift()) {
      if (++this.#passed > mostActions) throw new Error(`more than ${mostActions} actions: somebody hangs`);
      this.#now = entry.at;
      entry.action();
    }
  }

  /** After all entries of the same time: turns keep their order. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
