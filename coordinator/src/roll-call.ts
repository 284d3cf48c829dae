/** Who is there: waits for members to come, as long as it is worth it. */
import type { MemberId } from "@bulkhead/secagg";
import type { Greeting, MemberDesk } from "./member-desk.ts";

interface Patience {
  readonly isMet: () => boolean;
  /** For ever if absent. */
  readonly forMs?: number;
}

export class RollCall {
  readonly #desks: ReadonlyMap<MemberId, MemberDesk>;
  readonly #watch: () => void;
  readonly #waiting = new Set<() => void>();
  #isStopped = false;

  /** `watch` is told of every change too. */
  constructor(desks: ReadonlyMap<MemberId, MemberDesk>, watch: () => void) {
    this.#desks = desks;
    this.#watch = watch;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Members that are linked and have this very model. */
  ready(model: Greeting): ReadonlySet<MemberId> {
    return this.#those((desk) => desk.isReady(model));
  }

  /** Members that have said where they stand and have not left, ready or not; one whose link is away is one of them. */
  taking(): ReadonlySet<MemberId> {
    return this.#those((desk) => desk.greeting !== undefined);
  }

  /** Somebody came, went or said something. */
  readonly changed = (): void => {
    this.#watch();
    for (const look of this.#waiting) look();
  };

  stop(): void {
    this.#isStopped = true;
    this.changed();
  }

  /** Gives whether it was met; false also when time is up or everything stops. */
  wait({ isMet, forMs }: Patience): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (met: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(met);
      };
      const look = () => {
        if (this.#isStopped) end(false);
        else if (isMet()) end(true);
      };
      const timer = forMs === undefined ? undefined : setTimeout(() => end(false), forMs);
      this.#waiting.add(look);
      look();
    });
  }

  #those(isOne: (desk: MemberDesk) => boolean): ReadonlySet<MemberId> {
    return new Set([...this.#desks].filter(([, desk]) => isOne(desk)).map(([id]) => id));
  }
}
