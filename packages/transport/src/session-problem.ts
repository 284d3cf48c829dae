/** The end of a session as one line for the client's side. */
import type { InputProblem } from "@bulkhead/base";
import { linkFailureProblem } from "./link-failure.ts";
import type { SessionOver, Trouble } from "./session.ts";

export const sessionOverProblem = (reason: SessionOver, place: string): InputProblem => {
  if (reason.type === "link-lost" || reason.type === "cannot-open")
    return troubleProblem(reason.trouble, place);
  if (reason.type === "replaced")
    return {
      code: "session-replaced",
      place,
      problem: "another process took part under this identity and took over the session",
      cure: "run one client for each member",
    };
  const why =
    reason.type === "closed-by-peer" ? `the coordinator closed it: ${reason.farewell}` : reason.type;
  return {
    code: "session-over",
    place,
    problem: `the session ended: ${why}`,
    cure: "start the client again",
  };
};

const troubleProblem = (trouble: Trouble, place: string): InputProblem => {
  switch (trouble.type) {
    case "not-reached":
      return trouble.problem;
    case "not-opened":
      return linkFailureProblem(trouble.failure, place);
    case "link-closed":
      return lost(place, `the connection was lost: ${trouble.closed.type}`);
    case "not-tried":
      return lost(place, "there was no time to reach the coordinator");
  }
};

const lost = (place: string, problem: string): InputProblem => ({
  code: "link-lost",
  place,
  problem,
  cure: "check the network, then start the client again",
});
