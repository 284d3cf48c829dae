/** The coordinator's places. */
import type { Void } from "./coordinator-state.ts";
import type { CollectingAdverts } from "./stages/1-advertise-keys.ts";
import type { CollectingShares } from "./stages/2-share-keys.ts";
import type { CollectingInputs } from "./stages/3-masked-input.ts";
import type { CollectingAgreements } from "./stages/4-agree.ts";
import type { CollectingReveals } from "./stages/5-unmask.ts";
import type { Published, Unmasking } from "./stages/6-result.ts";

/** Waiting for members. */
export type Collecting =
  | CollectingAdverts
  | CollectingShares
  | CollectingInputs
  | CollectingAgreements
  | CollectingReveals;

export type CoordinatorState = Collecting | Unmasking | Published | Void;
