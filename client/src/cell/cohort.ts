/** The site's own bounds on whom it sums with, looked at before the machine sees a set of members. */
import type { CoordinatorMessage, Reason } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { SitePolicy } from "../policy.ts";

/**
 * Why this site does not go on with the members that a message names: fewer than its policy asks for, or fewer whose
 * identity a person has verified (a coordinator that invents members gains nothing [protocol.md 2.2]).
 */
export const cohortProblem = (
  { minimumCohort = 0, minimumVerified = 0 }: SitePolicy,
  verified: ReadonlySet<MemberId>,
  message: CoordinatorMessage,
): Reason | undefined => {
  const members = membersOf(message);
  if (members === undefined) return undefined;
  const present = members.length;
  if (present < minimumCohort)
    return { code: "too-few-members", stage: `${message.type}, by policy`, present, needed: minimumCohort };
  const known = members.filter((id) => verified.has(id)).length;
  return known < minimumVerified
    ? {
        code: "too-few-members",
        stage: `${message.type}, verified`,
        present: known,
        needed: minimumVerified,
      }
    : undefined;
};

/** Whether they are distinct is the machine's to refuse, but a repeated name must not count twice here. */
const membersOf = (message: CoordinatorMessage): readonly MemberId[] | undefined => {
  if (message.type === "roster") return distinct(message.adverts.map(({ from }) => from));
  if (message.type === "inbox") return distinct(message.shares.map(({ owner }) => owner));
  return message.type === "survivors" ? distinct(message.trailers.map(({ from }) => from)) : undefined;
};

const distinct = (ids: readonly MemberId[]): readonly MemberId[] => [...new Set(ids)];
