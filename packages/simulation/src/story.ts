/** What happens in a job that is played, apart from what the machines make of it. */
import type { MemberId } from "@bulkhead/secagg";
import type { JournalCrash } from "./coordinator-disk.ts";
import type { Fault } from "./fault.ts";
import type { FederationSize } from "./federation.ts";
import type { Cheat, Reply } from "./tap.ts";
import type { Transition } from "./world.ts";

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
