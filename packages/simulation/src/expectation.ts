/**
 * The trivial model: what a story must end in, read off its faults alone, without playing it. It knows nothing of
 * messages' contents; only what each fault takes from its member.
 */
import { invariant } from "@bulkhead/base";
import { type MemberId, memberId, thresholdOf } from "@bulkhead/secagg";
import type { Fault, FrameType, Harm } from "./fault.ts";
import type { Story } from "./story.ts";

/** What a member may have lost by a fault: nothing, the attempt, the round, or its life. */
export type Loss = "nothing" | "attempt" | "round" | "life";

/** Delays and absences up to this cost nobody anything: deadlines are longer. */
export const SHORT_MS = 150;

/** Longer than a stage waits, and shorter than a link may be away: one that has signed comes back and goes on. */
export const OVERSTAY_MS = 1500;

/** Of each round in turn: a sum, or none and why; after a round without a sum there is no other. */
export type Expectation =
  | { readonly type: "published" }
  | { readonly type: "void"; readonly code: "too-few-members" | "waiting-for-member" };

/** From here on a member that starts anew has signed, and can take part in no other attempt of the round. */
const AFTER_SIGNING = new Set<FrameType>(["agree", "quorum", "unmask", "waiting"]);
const AFTER_REVEALING = new Set<FrameType>(["result", "finished"]);

export const lossBy = ({ at, harm }: Fault): Loss => {
  switch (harm.kind) {
    case "duplicate":
      return "nothing";
    case "delay":
      return harm.ms <= SHORT_MS ? "nothing" : "round";
    case "cut":
      return harm.downMs <= (AFTER_SIGNING.has(at.type) ? OVERSTAY_MS : SHORT_MS) ? "nothing" : "round";
    case "crash coordinator":
      return harm.downMs <= SHORT_MS ? "nothing" : "round";
    case "crash member":
      return lossByCrash(at.type, at.direction, harm);
    case "drop":
    case "reorder":
    case "truncate":
    case "flip":
      return "round";
  }
};

const lossByCrash = (
  type: FrameType,
  direction: "up" | "down",
  harm: Extract<Harm, { readonly kind: "crash member" }>,
): Loss => {
  if (!Number.isFinite(harm.downMs)) return "life";
  if (AFTER_REVEALING.has(type) || (type === "chunk" && direction === "down")) return "nothing";
  return AFTER_SIGNING.has(type) ? "round" : "attempt";
};

/** The worst that the faults do to each member that has any. */
export const lossesIn = (faults: readonly Fault[]): ReadonlyMap<MemberId, Loss> => {
  const order: readonly Loss[] = ["nothing", "attempt", "round", "life"];
  const losses = new Map<MemberId, Loss>();
  for (const fault of faults) {
    const before = losses.get(fault.at.member) ?? "nothing";
    const loss = lossBy(fault);
    losses.set(fault.at.member, order.indexOf(loss) > order.indexOf(before) ? loss : before);
  }
  return losses;
};

/** max(t, n_min). */
export const leastOf = ({ members, minimum = 3 }: Story["size"]): number =>
  Math.max(thresholdOf(members), minimum);

export const membersOf = ({ members }: Story["size"]): readonly MemberId[] =>
  Array.from({ length: members }, (_, i) => memberId(i + 1));

/**
 * Enough members that keep the round: every round is published. Enough that are dead before they have delivered: the
 * round of their death ends void. A story in between is no story, since nobody can say what it must end in.
 */
export const expectationOf = (story: Story): readonly Expectation[] => {
  const { size, faults = [] } = story;
  const rounds = size.rounds ?? 1;
  const losses = [...lossesIn(faults)];
  const lost = losses.filter(([, loss]) => loss === "round" || loss === "life");
  const dead = losses.filter(([, loss]) => loss === "life");
  if (size.members - lost.length >= leastOf(size)) return published(rounds);
  const deaths = faults.filter((fault) => lossBy(fault) === "life");
  const [first] = deaths;
  invariant(first !== undefined && dead.length === lost.length, "only deaths make a void round certain");
  invariant(
    deaths.every(({ at }) => at.type === first.at.type && at.nth === first.at.nth),
    "all die at one place",
  );
  const isSigned = first.at.type === "agree";
  invariant(!isSigned || size.members - dead.length < thresholdOf(size.members), "too few sign for a quorum");
  return [
    ...published(first.at.nth - 1),
    { type: "void", code: isSigned ? "waiting-for-member" : "too-few-members" },
  ];
};

const published = (rounds: number): readonly Expectation[] =>
  Array.from({ length: rounds }, () => ({ type: "published" }));
