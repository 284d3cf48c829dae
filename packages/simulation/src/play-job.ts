/** Plays a whole job in memory: its rounds, its faults, its coordinator's cheats, on a clock that waits for nobody. */
import {
  attemptContext,
  type AttemptName,
  type ClientFrame,
  type CoordinatorFrame,
  describeClient,
  describeCoordinator,
  type Job,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { AppliedRound, JournalCrash, VoidedAttempt } from "./coordinator-disk.ts";
import { type Fault, Faults, type Hit } from "./fault.ts";
import { federation, type FederationSize, hashOfModel } from "./federation.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { type MemberDisk, SimulatedMember } from "./simulated-member.ts";
import { type Cheat, type Reply, tapOf } from "./tap.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { type SentFrame, Wire } from "./wire.ts";
import type { KeptSecret, LogLine, MemberEnd, Transition, World } from "./world.ts";

export interface Story {
  readonly seed: string;
  readonly size: FederationSize;
  readonly faults?: readonly Fault[];
  readonly journalCrashes?: readonly JournalCrash[];
  readonly cheat?: Cheat;
  readonly reply?: Reply;
  /** Once all have round 1, the disks of these members are set back to where they were before the start. */
  readonly setBack?: readonly MemberId[];
  /** Whether members refuse small differences to cohorts of other rounds too. */
  readonly strictCohorts?: boolean;
  /** Sees every transition of every machine. */
  readonly watch?: (transition: Transition) => void;
  readonly keepSecrets?: boolean;
  /** The bound on how long it may take: actions of the clock. */
  readonly mostActions?: number;
}

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
  const stage = stageOf(story);
  const { world, members, coordinator, clock } = stage;
  for (const member of members.values()) member.start();
  coordinator.start();
  for (const wire of stage.wires.values()) wire.restore(0);
  clock.run(story.mostActions ?? MOST_ACTIONS);
  return {
    job: world.job,
    initialModel: world.federation.initialModel,
    rounds: outcomes(coordinator, world.job),
    members: new Map([...members].map(([id, { end, disk }]) => [id, { end, disk }])),
    hits: stage.faults.hits,
    frames: stage.frames,
    log: stage.log,
    secrets: stage.secrets,
    durationMs: clock.now,
    starts: coordinator.starts,
    writes: coordinator.writes,
  };
};

const stageOf = (story: Story) => {
  const { seed, size } = story;
  const clock = new VirtualClock();
  const random = new SeededRandom(`${seed}/story`);
  const people = federation(seed, size);
  const { job } = people;
  const faults = new Faults(story.faults ?? []);
  const frames: SentFrame[] = [];
  const log: LogLine[] = [];
  const secrets: KeptSecret[] = [];
  const world: World = {
    seed,
    job,
    federation: people,
    clock,
    random,
    saw: (transition) => {
      log.push({ at: clock.now, who: transition.who, ...describe(transition) });
      story.watch?.(transition);
      setBackWhenAllHaveRoundOne();
    },
    keepSecret: (what, bytes) => {
      if (story.keepSecrets === true) secrets.push({ what, bytes: new Uint8Array(bytes) });
    },
  };
  let toSetBack = story.setBack ?? [];
  const setBackWhenAllHaveRoundOne = () => {
    if (toSetBack.length === 0 || ![...members.values()].every(({ disk }) => disk.applied > 0)) return;
    for (const id of toSetBack) clock.after(0, () => (members.get(id)!.setBack(), crashMember(id, 10)));
    toSetBack = [];
  };
  const crash = (whom: "member" | "coordinator", id: MemberId, downMs: number): void =>
    whom === "member" ? crashMember(id, downMs) : crashCoordinator(downMs);
  const record = (sent: SentFrame) => void frames.push(sent);
  const wires = new Map(
    job.members.map(({ id }) => [id, new Wire(id, { clock, random, faults, record, crash })] as const),
  );
  const members = new Map(
    [...wires].map(([id, wire]) => [id, new SimulatedMember(world, id, wire, story.strictCohorts)] as const),
  );
  const tap = tapOf(people.providerKey, (name) => contextOf(coordinator, world, name));
  const alter = (frame: CoordinatorFrame, to: MemberId) => tap.alter(frame, to, story.cheat);
  const coordinator: SimulatedCoordinator = new SimulatedCoordinator({
    world,
    wires,
    alter,
    hears: (from: MemberId, frame: ClientFrame) => tap.hear(from, frame),
    replies: (from: MemberId, frame: ClientFrame) => tap.replies(from, frame, story.reply),
    journalCrashes: story.journalCrashes ?? [],
    crash: (downMs) => crashCoordinator(downMs),
  });
  for (const [id, wire] of wires) {
    const member = members.get(id)!;
    wire.connect({
      down: member,
      up: {
        receive: (bytes) => coordinator.receive(id, bytes),
        onLost: () => coordinator.onLost(id),
        onRestored: () => coordinator.onRestored(id),
      },
    });
  }
  const crashMember = (id: MemberId, downMs: number) => {
    members.get(id)!.crash();
    if (Number.isFinite(downMs)) clock.after(downMs, () => members.get(id)!.start());
    wires.get(id)!.cut(downMs);
  };
  const crashCoordinator = (downMs: number) => {
    coordinator.crash();
    clock.after(downMs, () => coordinator.start());
    for (const wire of wires.values()) wire.cut(downMs);
  };
  return { world, clock, faults, frames, log, secrets, wires, members, coordinator };
};

const describe = (transition: Transition) =>
  transition.who === "coordinator"
    ? describeCoordinator(transition.before, transition.event, transition.after)
    : describeClient(transition.before, transition.event, transition.after);

/** The context of an attempt of any round that has been opened: all of it is public to the coordinator. */
const contextOf = ({ disk }: SimulatedCoordinator, { job, federation: people }: World, name: AttemptName) =>
  attemptContext(job, name, hashOfModel(job, disk.applied[name.round - 2]?.model ?? people.initialModel));

const outcomes = ({ disk, attempt }: SimulatedCoordinator, job: Job): readonly RoundOutcome[] => {
  const { rounds } = job.contract.training;
  const published = disk.applied.map((round) => ({ type: "published", ...round }) as const);
  if (published.length === rounds) return published;
  const last = disk.voids.at(-1)?.code;
  const code = attempt === undefined ? (last ?? "too-few-members") : "waiting-for-member";
  return [...published, { type: "void", round: published.length + 1, code, voids: disk.voids }];
};
