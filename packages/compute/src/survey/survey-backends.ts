/** What each TensorFlow.js backend does on this machine, for people who wonder which one will be used, and why. */
import { BACKENDS, type BackendName } from "../backend/backend.ts";
import { openThreadCalls } from "../thread-calls.ts";
import type { BackendSurvey } from "./probe-backend.ts";

/** One after the other, so that each is measured alone, fastest first as `auto` tries them. */
export const surveyBackends = async (
  names: readonly BackendName[] = BACKENDS,
): Promise<readonly BackendSurvey[]> => {
  const surveys: BackendSurvey[] = [];
  for (const name of names) surveys.push(await survey(name));
  return surveys;
};

const survey = async (name: BackendName): Promise<BackendSurvey> => {
  const thread = openThreadCalls(new URL("./probe-thread.ts", import.meta.url));
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what probe-thread.ts answers
    return (await thread.call(name)) as BackendSurvey;
  } catch (error) {
    const problem = `its thread ended: ${error instanceof Error ? error.message : String(error)}`;
    return { name, usable: false, problem, cure: "choose another backend, and report what was printed" };
  } finally {
    await thread.close();
  }
};
