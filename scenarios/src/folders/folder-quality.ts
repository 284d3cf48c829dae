/** Figures of merit of models that file mail, and the margins that the recipe promises. */
import type { Folder } from "./folder-mail.ts";
import { FOLDERS } from "./folder-mail.ts";
import { FOLDER_SITES, type FolderSite, SHARES } from "./folder-sites.ts";
import type { FolderJudgements } from "./judge-folders.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature, and is no JSON
export type FolderFigures = {
  /** Mean over the folders of the share of their mails that was filed there. */
  readonly balanced: number;
  /** Accuracy on mail mixed as at home: of a site's own model at that site, of others at all sites in the mean. */
  readonly home: number;
  /** The same on mail mixed as at the other sites. */
  readonly others: number;
};

// oxlint-disable-next-line typescript/consistent-type-definitions -- the same
export type FolderQuality = {
  readonly base: FolderFigures;
  readonly alone: { readonly [site in FolderSite]: FolderFigures };
  readonly federated: FolderFigures;
  readonly centralised: FolderFigures;
};

type Found = { readonly [folder in Folder]: number };

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Accuracy on mail mixed as at a site. */
const at = (found: Found, site: FolderSite): number =>
  FOLDERS.reduce((sum, folder) => sum + SHARES[site][folder] * found[folder], 0);

const balanced = (found: Found): number => mean(FOLDERS.map((folder) => found[folder]));

const everybodys = (found: Found): FolderFigures => {
  const all = mean(FOLDER_SITES.map((site) => at(found, site)));
  return { balanced: balanced(found), home: all, others: all };
};

const sitesOwn = (found: Found, own: FolderSite): FolderFigures => {
  const others = FOLDER_SITES.filter((site) => site !== own);
  return {
    balanced: balanced(found),
    home: at(found, own),
    others: mean(others.map((site) => at(found, site))),
  };
};

/** `judged` has `base`, `federated`, `centralised` and one model for each site, by the site's name. */
export const folderQualityOf = (judged: FolderJudgements): FolderQuality => {
  const found = (model: string): Found => judged[model]!.found;
  const own = (site: FolderSite) => sitesOwn(found(site), site);
  return {
    base: everybodys(found("base")),
    alone: { systems: own("systems"), press: own("press"), filters: own("filters") },
    federated: everybodys(found("federated")),
    centralised: everybodys(found("centralised")),
  };
};

/** Over the sites. */
export const meanAlone = ({ alone }: FolderQuality): FolderFigures => {
  const figures = FOLDER_SITES.map((site) => alone[site]);
  const of = (name: keyof FolderFigures) => mean(figures.map((each) => each[name]));
  return { balanced: of("balanced"), home: of("home"), others: of("others") };
};

export interface FolderMargins {
  readonly federated: number;
  readonly overAlone: number;
  readonly overBase: number;
}

/** Of the mean of three seeds. */
export const FOLDER_MARGINS: FolderMargins = { federated: 0.58, overAlone: 0.06, overBase: 0.2 };
/** Of a single seed, whose figures have a standard error of 0.034: it is only to show that training worked at all. */
export const SINGLE_SEED_MARGINS: FolderMargins = { federated: 0.5, overAlone: 0, overBase: 0.12 };

/** How far the federation's balanced accuracy is from each bound; what is negative does not hold. */
export const folderSlack = (quality: FolderQuality, margins: FolderMargins): FolderMargins => {
  const { base, federated } = quality;
  return {
    federated: federated.balanced - margins.federated,
    overAlone: federated.balanced - meanAlone(quality).balanced - margins.overAlone,
    overBase: federated.balanced - base.balanced - margins.overBase,
  };
};
