/** Plays a whole job in memory: its rounds, its faults, its coordinator's cheats, on a clock that waits for nobody. */
import type { Job } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { AppliedRound, VoidedAttempt } from "./coordinator-disk.ts";
import type { Hit } from "./fault.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import type { MemberDisk } from "./simulated-member.ts";
import { Stage } from "./stage.ts";
import type { Story } from "./story.ts";
import type { SentFrame } from "./wire.ts";
import type { KeptSecret, LogLine, MemberEnd } from "./world.ts";

export type RoundOutcome =
  | ({ readonly type: "published" } & AppliedRound)
  | {
      readonly type: "void";
      readonly round: number;
      /** Why there is no sum: a code of the last attempt, or that members are waited for. */
      readonly code: string;
      readonly voids: readonly VoidedAttempt[];
    };

export interface PlayedMember {
  readonly end: MemberEnd;
  readonly disk: MemberDisk;
}

export interface Played {
  readonly job: Job;
  readonly initialModel: Float32Array;
  readonly rounds: readonly RoundOutcome[];
  readonly members: ReadonlyMap<MemberId, PlayedMember>;
  readonly hits: readonly Hit[];
  readonly frames: readonly SentFrame[];
  readonly log: readonly LogLine[];
  /** Bytes that nothing that leaves a member may contain; kept where the story asks for it. */
  readonly secrets: readonly KeptSecret[];
  readonly durationMs: number;
  /** Of the coordinator: how often it was started, and how often it wrote to its journal. */
  readonly starts: number;
  readonly writes: number;
}

const MOST_ACTIONS = 200_000;

export const playJob = (story: Story): Played => {
  const stage = new Stage(story);
  stage.play(story.mostActions ?? MOST_ACTIONS);
  const { world, members, coordinator, faults, frames, log, secrets } = stage;
  return {
    job: world.job,
    initialModel: world.federation.initialModel,
    rounds: outcomes(coordinator, world.job),
    members: new Map([...members].map(([id, { end, disk }]) => [id, { end, disk }])),
    hits: faults.hits,
    frames,
    log,
    secrets,
    durationMs: world.clock.now,
    starts: coordinator.starts,
    writes: coordinator.writes,
  };
};

const outcomes = ({ disk, attempt }: SimulatedCoordinator, job: Job): readonly RoundOutcome[] => {
  const { rounds } = job.contract.training;
  const published = disk.applied.map((round) => ({ type: "published", ...round }) as const);
  if (published.length === rounds) return published;
  const last = disk.voids.at(-1)?.code;
  const code = attempt === undefined ? (last ?? "too-few-members") : "waiting-for-member";
  return [...published, { type: "void", round: published.length + 1, code, voids: disk.voids }];
};
