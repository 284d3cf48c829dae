/** Figures of merit for the report, their means over seeds, and the margins that the recipe promises. */
import type { Evaluation } from "@bulkhead/finetune";
import type { Judgements } from "./baselines.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature, and is no JSON
export type Figures = {
  readonly accuracy: number;
  readonly balanced: number;
  readonly auc: number;
  readonly recallAt1PercentFalsePositives: number;
};

// oxlint-disable-next-line typescript/consistent-type-definitions -- the same
export type LocalFigures = Figures & {
  /** Accuracy on the site's own test. */
  readonly ownMail: { readonly alone: number; readonly federated: number };
};

// oxlint-disable-next-line typescript/consistent-type-definitions -- the same
export type Quality = {
  readonly base: Figures;
  readonly local: { readonly [site: string]: LocalFigures };
  readonly federated: Figures;
  readonly centralised: Figures;
};

const figuresOf = (evaluation: Evaluation): Figures => ({
  accuracy: evaluation.accuracy,
  balanced: evaluation.balancedAccuracy,
  auc: evaluation.auc ?? 0,
  recallAt1PercentFalsePositives: evaluation.recallAt1PercentFalsePositives ?? 0,
});

/** `judged` has `base`, `federated`, `centralised` and one model for each site, by the site's name. */
export const qualityOf = (judged: Judgements, sites: readonly string[]): Quality => {
  const joint = (model: string) => figuresOf(judged[model]!.joint);
  const own = (model: string, site: string) => judged[model]!.own[site]!.accuracy;
  return {
    base: joint("base"),
    local: Object.fromEntries(
      sites.map((site) => [
        site,
        { ...joint(site), ownMail: { alone: own(site, site), federated: own("federated", site) } },
      ]),
    ),
    federated: joint("federated"),
    centralised: joint("centralised"),
  };
};

/** Field by field; all have the same fields. */
export const meanQuality = <T extends object>(qualities: readonly T[]): T => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- means of numbers under the same names
  return meanOf(qualities) as T;
};

const meanOf = (values: readonly unknown[]): unknown => {
  const [first] = values;
  if (typeof first === "number")
    return values.reduce<number>((sum, value) => sum + Number(value), 0) / values.length;
  return Object.fromEntries(
    Object.keys(Object(first)).map((name) => [
      name,
      meanOf(values.map((value) => Reflect.get(Object(value), name))),
    ]),
  );
};

export interface Margins {
  readonly federated: number;
  readonly overBestSite: number;
  readonly belowCentralised: number;
}

/** Of the mean of three seeds, with the native backend's recipe. */
export const RECIPE_MARGINS: Margins = { federated: 0.935, overBestSite: 0.05, belowCentralised: 0.025 };
/** Of a single run, or of the smaller recipe: it is only to show that training worked at all. */
export const SINGLE_RUN_MARGINS: Margins = { federated: 0.9, overBestSite: 0.02, belowCentralised: 0.05 };

/** How far the federation is from each bound; what is negative does not hold. */
export const slackOf = ({ local, federated, centralised }: Quality, margins: Margins): Margins => {
  const best = Math.max(...Object.values(local).map(({ accuracy }) => accuracy));
  return {
    federated: federated.accuracy - margins.federated,
    overBestSite: federated.accuracy - best - margins.overBestSite,
    belowCentralised: federated.accuracy + margins.belowCentralised - centralised.accuracy,
  };
};
