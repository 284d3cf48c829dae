/** Why a port could not be opened, as one line with a cure. */
import { InputError } from "@bulkhead/base";

/** Gives `undefined` for an error that is not the input's fault. */
export const portProblem = (code: string | undefined, host: string, port: number): InputError | undefined => {
  const words = code === undefined ? undefined : PROBLEMS.get(code);
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return words && new InputError({ ...words, place });
};

const NOT_OURS = {
  code: "host-not-ours",
  problem: "this machine has no such address",
  cure: "use 0.0.0.0, ::, or an address of this machine",
};

const PROBLEMS = new Map([
  [
    "EADDRINUSE",
    {
      code: "port-taken",
      problem: "another program listens there",
      cure: "stop it, or choose another port",
    },
  ],
  [
    "EACCES",
    {
      code: "port-not-permitted",
      problem: "this user may not listen there",
      cure: "choose a port above 1023",
    },
  ],
  ["EADDRNOTAVAIL", NOT_OURS],
  ["ENOTFOUND", NOT_OURS],
  ["EAI_AGAIN", NOT_OURS],
]);
