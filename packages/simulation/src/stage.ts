/** Everybody and everything in one story, tied together: who dies how, what is recorded, whose frames go where. */
import {
  attemptContext,
  type AttemptContext,
  type AttemptName,
  describeClient,
  describeCoordinator,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { Faults } from "./fault.ts";
import { federation, hashOfModel } from "./federation.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { SimulatedMember } from "./simulated-member.ts";
import type { Story } from "./story.ts";
import { tapOf } from "./tap.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { type SentFrame, Wire } from "./wire.ts";
import type { KeptSecret, LogLine, Transition, World } from "./world.ts";

/** How long a disk that is set back is away. */
const SET_BACK_MS = 10;

export class Stage {
  readonly world: World;
  readonly faults: Faults;
  readonly members: ReadonlyMap<MemberId, SimulatedMember>;
  readonly coordinator: SimulatedCoordinator;
  readonly frames: SentFrame[] = [];
  readonly log: LogLine[] = [];
  readonly secrets: KeptSecret[] = [];
  readonly #story: Story;
  readonly #wires: ReadonlyMap<MemberId, Wire>;
  #toSetBack: readonly MemberId[];

  constructor(story: Story) {
    this.#story = story;
    this.#toSetBack = story.setBack ?? [];
    this.faults = new Faults(story.faults ?? []);
    this.world = this.#makeWorld();
    const { job } = this.world;
    this.#wires = new Map(job.members.map(({ id }) => [id, this.#makeWire(id)] as const));
    this.members = new Map(
      [...this.#wires].map(
        ([id, wire]) => [id, new SimulatedMember(this.world, id, wire, story.strictCohorts)] as const,
      ),
    );
    this.coordinator = this.#makeCoordinator();
    for (const [id, wire] of this.#wires) this.#connect(id, wire);
  }

  play(mostActions: number): void {
    for (const member of this.members.values()) member.start();
    this.coordinator.start();
    for (const wire of this.#wires.values()) wire.restore(0);
    this.world.clock.run(mostActions);
  }

  #makeWorld(): World {
    const { seed, size, keepSecrets } = this.#story;
    const people = federation(seed, size);
    return {
      seed,
      job: people.job,
      federation: people,
      clock: new VirtualClock(),
      random: new SeededRandom(`${seed}/story`),
      saw: (transition) => this.#saw(transition),
      keepSecret: (what, bytes) => {
        if (keepSecrets === true) this.secrets.push({ what, bytes: new Uint8Array(bytes) });
      },
    };
  }

  #makeWire(id: MemberId): Wire {
    const { clock, random } = this.world;
    return new Wire(id, {
      clock,
      random,
      faults: this.faults,
      record: (sent) => void this.frames.push(sent),
      crash: (whom, member, downMs) =>
        whom === "member" ? this.#crashMember(member, downMs) : this.#crashCoordinator(downMs),
    });
  }

  #makeCoordinator(): SimulatedCoordinator {
    const { cheat, reply, journalCrashes = [] } = this.#story;
    const tap = tapOf(this.world.federation.providerKey, (name) => this.#contextOf(name));
    return new SimulatedCoordinator({
      world: this.world,
      wires: this.#wires,
      alter: (frame, to) => tap.alter(frame, to, cheat),
      hears: (from, frame) => tap.hear(from, frame),
      replies: (from, frame) => tap.replies(from, frame, reply),
      journalCrashes,
      crash: (downMs) => this.#crashCoordinator(downMs),
    });
  }

  #connect(id: MemberId, wire: Wire): void {
    const { coordinator } = this;
    wire.connect({
      down: this.members.get(id)!,
      up: {
        receive: (bytes) => coordinator.receive(id, bytes),
        onLost: () => coordinator.onLost(id),
        onRestored: () => coordinator.onRestored(id),
      },
    });
  }

  #saw(transition: Transition): void {
    this.log.push({ at: this.world.clock.now, who: transition.who, ...describe(transition) });
    this.#story.watch?.(transition);
    if (this.#toSetBack.length === 0) return;
    if (![...this.members.values()].every(({ disk }) => disk.applied > 0)) return;
    for (const id of this.#toSetBack) this.world.clock.after(0, () => this.#setBack(id));
    this.#toSetBack = [];
  }

  #setBack(id: MemberId): void {
    this.members.get(id)!.setBack();
    this.#crashMember(id, SET_BACK_MS);
  }

  #crashMember(id: MemberId, downMs: number): void {
    const member = this.members.get(id)!;
    member.crash();
    if (Number.isFinite(downMs)) this.world.clock.after(downMs, () => member.start());
    this.#wires.get(id)!.cut(downMs);
  }

  #crashCoordinator(downMs: number): void {
    this.coordinator.crash();
    this.world.clock.after(downMs, () => this.coordinator.start());
    for (const wire of this.#wires.values()) wire.cut(downMs);
  }

  /** The context of an attempt of any round that has been opened: the coordinator knows all of it. */
  #contextOf(name: AttemptName): AttemptContext {
    const { job, federation: people } = this.world;
    const model = this.coordinator.disk.applied[name.round - 2]?.model ?? people.initialModel;
    return attemptContext(job, name, hashOfModel(job, model));
  }
}

const describe = (transition: Transition) =>
  transition.who === "coordinator"
    ? describeCoordinator(transition.before, transition.event, transition.after)
    : describeClient(transition.before, transition.event, transition.after);
