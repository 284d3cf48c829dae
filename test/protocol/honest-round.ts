/**
 * One honest round between the bare machines, every transition of it kept: a test takes one up and steps it with
 * something else. Nothing is wiped, so that a state can be stepped any number of times; all states are frozen.
 */
import { invariant, Secret } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  attemptContext,
  type AttemptContext,
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMessage,
  type CoordinatorState,
  isCoordinatorOver,
  type Job,
  type MessageOf,
  NO_HISTORY,
  openAttempt,
  openSeat,
  resultMessage,
  type Seat,
  signPlan,
  type Step,
  stepClient,
  stepCoordinator,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import {
  addLanes,
  addStreams,
  areCheckLanesZero,
  contributionOf,
  federation,
  type Federation,
  type FederationSize,
  frozen,
  hashOfModel,
  SeededRandom,
} from "@bulkhead/simulation";

export interface ClientTransition {
  readonly before: ClientState;
  readonly event: ClientEvent;
  readonly after: Step<ClientState, ClientEffect>;
}
export interface CoordinatorTransition {
  readonly before: CoordinatorState;
  readonly event: CoordinatorEvent;
  readonly after: Step<CoordinatorState, CoordinatorEffect>;
}

export interface RoundOptions extends Partial<FederationSize> {
  readonly seed?: string;
  /** Members that say nothing from their message of this type on. */
  readonly silent?: ReadonlyMap<number, string>;
}

export interface HonestRound {
  readonly people: Federation;
  readonly job: Job;
  readonly context: AttemptContext;
  readonly plan: MessageOf<CoordinatorMessage, "plan">;
  readonly seats: ReadonlyMap<MemberId, Seat>;
  /** What the coordinator has added up: plain, where it published. */
  readonly sum: Uint8Array;
  readonly opening: Step<CoordinatorState, CoordinatorEffect>;
  readonly end: CoordinatorState;
  readonly ofClients: readonly (ClientTransition & { readonly who: MemberId })[];
  readonly ofCoordinator: readonly CoordinatorTransition[];
  /** Where a member heard this. */
  readonly client: (who: number, heard: string) => ClientTransition;
  /** Where the coordinator heard this of a member. */
  readonly coordinator: (from: number, heard: string) => CoordinatorTransition;
}

export const honestRound = ({
  seed = "honest round",
  silent = new Map(),
  ...size
}: RoundOptions = {}): HonestRound => {
  const people = federation(seed, { members: 4, rounds: 3, ...size });
  const { job, providerKey } = people;
  const random = new SeededRandom(`${seed}/seeds`);
  const modelHash = hashOfModel(job, people.initialModel);
  const context = attemptContext(job, { round: 1, attempt: 1 }, modelHash);
  const plan = signPlan({ round: 1, attempt: 1, contractHash: job.contractHash, modelHash }, providerKey);
  const seats = new Map(
    job.members.map(({ id }) => {
      const signingKey = people.signingKeys.get(id)!;
      return [
        id,
        { job, id, signingKey, applied: 0, modelHash, history: NO_HISTORY, strictCohorts: false },
      ] as const;
    }),
  );
  const clients = new Map<MemberId, ClientState>(
    [...seats].map(([id, seat]) => [id, frozen(openSeat(seat).state)] as const),
  );
  const ofClients: (ClientTransition & { readonly who: MemberId })[] = [];
  const ofCoordinator: CoordinatorTransition[] = [];
  const muted = new Set<MemberId>();
  const vectors = new Map<MemberId, Uint8Array>();
  const sum = new Uint8Array(job.layout.byteLength);
  const queue: (() => void)[] = [];

  const opening: Step<CoordinatorState, CoordinatorEffect> = openAttempt({
    context,
    plan,
    gone: new Set(),
    leftOut: new Set(),
  });
  let coordinator: CoordinatorState = frozen(opening.state);

  const toCoordinator = (event: CoordinatorEvent): void => {
    const before = coordinator;
    const after = stepCoordinator(before, event);
    coordinator = frozen(after.state);
    ofCoordinator.push({ before, event, after });
    for (const effect of after.effects) perform(effect);
    if (coordinator.stage === "published" && !isCoordinatorOver(before))
      for (const { id } of job.members) say(id, resultMessage(coordinator, providerKey));
  };
  const perform = (effect: CoordinatorEffect): void => {
    if (effect.type === "send") say(effect.to, effect.message);
    if (effect.type === "fold") {
      addLanes(job.layout, sum, { from: vectors.get(effect.from)!, sign: 1 });
      queue.push(() => toCoordinator({ type: "folded", from: effect.from, outcome: "added" }));
    }
    if (effect.type === "unmask") {
      addStreams(job.layout, sum, effect.streams);
      const outcome = areCheckLanesZero(job.layout, sum) ? "plain" : "masks-did-not-cancel";
      queue.push(() => toCoordinator({ type: "summed", outcome, digest: sha256(sum) }));
    }
  };
  const say = (to: MemberId, message: CoordinatorMessage): void =>
    void queue.push(() =>
      toClient(
        to,
        message.type === "plan"
          ? { type: "planned", plan: message, seed: random.secret() }
          : { type: "received", message },
      ),
    );
  const toClient = (id: MemberId, event: ClientEvent): void => {
    const before = clients.get(id)!;
    if (muted.has(id)) return;
    const after = stepClient(before, event);
    clients.set(id, frozen(after.state));
    ofClients.push({ who: id, before, event, after });
    for (const effect of after.effects) performFor(id, effect);
  };
  const performFor = (id: MemberId, effect: ClientEffect): void => {
    if (effect.type === "train") queue.push(() => toClient(id, { type: "trained" }));
    if (effect.type === "mask") {
      const vector = contributionOf(job, seed, { member: id, round: 1 });
      addStreams(job.layout, vector, effect.streams);
      vectors.set(id, vector);
      queue.push(() => toClient(id, { type: "masked", digest: sha256(vector), byteLength: vector.length }));
    }
    if (effect.type !== "send") return;
    if (silent.get(id) === effect.message.type) muted.add(id);
    if (!muted.has(id))
      queue.push(() => toCoordinator({ type: "received", from: id, message: effect.message }));
  };

  for (const effect of opening.effects) perform(effect);
  for (;;) {
    const next = queue.shift();
    if (next !== undefined) next();
    else if (isCoordinatorOver(coordinator) || silent.size === 0) break;
    else {
      const stood: CoordinatorState = coordinator;
      toCoordinator({ type: "deadline-passed" });
      if (stood === coordinator && queue.length === 0) break;
    }
  }

  return {
    people,
    job,
    context,
    plan,
    seats,
    sum,
    opening,
    end: coordinator,
    ofClients,
    ofCoordinator,
    client: (who, heard) => {
      const found = ofClients.find(
        ({ who: id, event }) =>
          id === who && (event.type === "received" ? event.message.type === heard : event.type === heard),
      );
      invariant(found !== undefined, `member ${who} heard ${heard}`);
      return found;
    },
    coordinator: (from, heard) => {
      const found = ofCoordinator.find(
        ({ event }) =>
          "from" in event &&
          event.from === from &&
          (event.type === "received" ? event.message.type === heard : event.type === heard),
      );
      invariant(found !== undefined, `the coordinator heard ${heard} of ${from}`);
      return found;
    },
  };
};

/** The message of a type that this transition is about. */
export const heardIn = <T extends CoordinatorMessage["type"]>(
  { event }: ClientTransition,
  type: T,
): MessageOf<CoordinatorMessage, T> => {
  const message: CoordinatorMessage | undefined =
    event.type === "planned" ? event.plan : event.type === "received" ? event.message : undefined;
  if (message === undefined || !isOf(message, type)) throw new Error(`heard no ${type}`);
  return message;
};

const isOf = <M extends { readonly type: string }, T extends M["type"]>(
  message: M,
  type: T,
): message is MessageOf<M, T> => message.type === type;

/** What a client's step sent, by type. */
export const sentIn = (effects: readonly ClientEffect[]) =>
  effects.flatMap((effect) => (effect.type === "send" ? [effect.message] : []));

/** Steps a client from where it stood with another message. */
export const hear = (
  { before }: ClientTransition,
  message: Exclude<CoordinatorMessage, { readonly type: "plan" }>,
): Step<ClientState, ClientEffect> => stepClient(before, { type: "received", message });

export const hearPlan = (
  before: ClientState,
  plan: MessageOf<CoordinatorMessage, "plan">,
): Step<ClientState, ClientEffect> =>
  stepClient(before, { type: "planned", plan, seed: new Secret(new Uint8Array(32).fill(9)) });

export const flipped = (bytes: Uint8Array, at = 0): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

/** A client that refused says so and why, and sends nothing but a leave. */
export const refusal = ({ state, effects }: Step<ClientState, ClientEffect>) => {
  if (state.stage !== "aborted") throw new Error(`did not refuse, but went to ${state.stage}`);
  const sent = sentIn(effects);
  if (sent.length !== 1 || sent[0]!.type !== "leave") throw new Error("sent something else than a leave");
  return { ...state.reason, leave: sent[0]!.code };
};

/** A client that leaves the attempt, and not the round, because of a dealer: gives whom it names. */
export const complaint = ({ state, effects }: Step<ClientState, ClientEffect>) => {
  if (state.stage !== "awaiting-plan") throw new Error(`did not complain, but went to ${state.stage}`);
  const [leave, ...others] = sentIn(effects);
  if (leave?.type !== "leave" || others.length > 0) throw new Error("sent something else than a leave");
  if (!effects.some(({ type }) => type === "forget-secrets")) throw new Error("kept the attempt's secrets");
  return { code: leave.code, about: leave.about };
};
