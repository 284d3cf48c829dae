/** Listens to the records of transitions: how long each stage took, who sent how much, and why attempts ended. */
import type { Description, Job } from "@bulkhead/protocol";
import type { MemberDesk } from "./member-desk.ts";

interface SiteBytes {
  readonly name: string;
  readonly up: number;
  readonly down: number;
}

/** Of one round, as far as this process has seen it. */
export interface RoundFigures {
  readonly secondsByStage: Readonly<Record<string, number>>;
  readonly bytesBySite: readonly SiteBytes[];
}

export class Metrics {
  readonly #desks: readonly MemberDesk[];
  readonly #now: () => number;
  #secondsByStage = new Map<string, number>();
  #stage = "waiting";
  #since: number;
  #before = new Map<MemberDesk, MemberDesk["traffic"]>();

  /** `now` in milliseconds, from any origin. */
  constructor(desks: Iterable<MemberDesk>, now: () => number = () => performance.now()) {
    this.#desks = [...desks];
    this.#now = now;
    this.#since = now();
  }

  observe({ before, after }: Pick<Description, "before" | "after">): void {
    if (before !== after || this.#stage !== after) this.enter(after);
  }

  /** Time from here on belongs to this stage. */
  enter(stage: string): void {
    const now = this.#now();
    const seconds = (now - this.#since) / 1000;
    this.#secondsByStage.set(this.#stage, (this.#secondsByStage.get(this.#stage) ?? 0) + seconds);
    this.#stage = stage;
    this.#since = now;
  }

  /** Closes the books of a round and opens those of the next. */
  takeRound(next: string): RoundFigures {
    this.enter(next);
    const bytesBySite = this.#desks.map((desk) => {
      const before = this.#before.get(desk) ?? { up: 0, down: 0 };
      const { up, down } = desk.traffic;
      return { name: desk.member.name, up: up - before.up, down: down - before.down };
    });
    const secondsByStage = Object.fromEntries(
      [...this.#secondsByStage].map(([stage, seconds]) => [stage, Math.round(seconds * 1000) / 1000]),
    );
    this.#before = new Map(this.#desks.map((desk) => [desk, desk.traffic]));
    this.#secondsByStage = new Map();
    return { secondsByStage, bytesBySite };
  }
}

/** Names of members by their numbers, for reports. */
export const namesOf = (job: Job, ids: Iterable<number>): readonly string[] => {
  const wanted = new Set(ids);
  return job.members.filter(({ id }) => wanted.has(id)).map(({ name }) => name);
};
