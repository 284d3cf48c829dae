/** What the quickstart tells a person: the rounds, the qualities side by side, and what to make of them. */
import { humanBytes, humanSeconds, lineChart, renderTable } from "@bulkhead/console";
import type { Figures, Quality } from "./quality.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature, and is no JSON
type RoundReport = {
  readonly round: number;
  readonly survivors: readonly string[];
  readonly meanLoss: number | null;
  readonly secondsByStage: { readonly [stage: string]: number };
  readonly bytesBySite: { readonly [site: string]: { readonly up: number; readonly down: number } };
};

/** As much of the coordinator's report (docs/report.md) as is used here. */
export interface RunReport {
  readonly job: string;
  readonly members: readonly string[];
  readonly threshold: number;
  readonly checkpoint: string;
  readonly rounds: readonly RoundReport[];
}

const total = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);

/** Keys and shares go round while the sites train. */
const WHILE_TRAINING = ["collecting-adverts", "collecting-shares", "collecting-inputs"];

const trainingSeconds = ({ secondsByStage }: RoundReport): number =>
  total(WHILE_TRAINING.map((stage) => secondsByStage[stage] ?? 0));

const allSeconds = ({ secondsByStage }: RoundReport): number => total(Object.values(secondsByStage));

/** The first round has waited for everybody to start. */
const outsideTraining = (rounds: readonly RoundReport[]): string => {
  const later = rounds.slice(1);
  const all = total(later.map(allSeconds));
  if (all === 0) return "";
  const share = 1 - total(later.map(trainingSeconds)) / all;
  return `Outside training: ${(100 * share).toFixed(1)} % of the rounds after the first, which waits for everybody to start.`;
};

export const roundsTable = ({ members, rounds }: RunReport): string => {
  const table = renderTable({
    head: ["round", "in the sum", "mean loss", "up", "down", "training", "rest"],
    rows: rounds.map((figures) => {
      const { round, survivors, meanLoss, bytesBySite } = figures;
      const training = trainingSeconds(figures);
      const bytes = Object.values(bytesBySite);
      return [
        round,
        `${survivors.length} of ${members.length}`,
        meanLoss === null ? "-" : meanLoss.toFixed(4),
        humanBytes(total(bytes.map(({ up }) => up))),
        humanBytes(total(bytes.map(({ down }) => down))),
        humanSeconds(training),
        humanSeconds(allSeconds(figures) - training),
      ];
    }),
  });
  const losses = rounds.flatMap(({ meanLoss }) => (meanLoss === null ? [] : [meanLoss]));
  const chart = lineChart([{ name: "mean loss by round", values: losses }]);
  return [table, outsideTraining(rounds), chart].join("\n");
};

const cells = (figures: Figures): readonly string[] =>
  [figures.accuracy, figures.balanced, figures.auc, figures.recallAt1PercentFalsePositives].map((figure) =>
    figure.toFixed(3),
  );

export const qualityTable = ({ base, local, federated, centralised }: Quality, seeds: number): string => {
  const table = renderTable({
    head: [
      "on everybody's test mail",
      "accuracy",
      "balanced",
      "AUC",
      "recall*",
      "own mail: alone",
      "federated",
    ],
    rows: [
      ["the encoder as it was", ...cells(base), "", ""],
      ...Object.entries(local).map(([site, figures]) => [
        `${site} alone`,
        ...cells(figures),
        figures.ownMail.alone.toFixed(3),
        figures.ownMail.federated.toFixed(3),
      ]),
      ["federated", ...cells(federated), "", ""],
      ["all mail in one place", ...cells(centralised), "", ""],
    ],
  });
  const mean = seeds === 1 ? "One seed." : `Means of ${seeds} seeds.`;
  return `${table}\n* of spam, at 1 % false positives. ${mean} All were trained for the same number of steps.`;
};

/** Where a site would be better off alone, if only its own mail counted. */
const betterAlone = ({ local }: Quality): string => {
  const sites = Object.entries(local)
    .filter(([, { ownMail }]) => ownMail.alone > ownMail.federated)
    .map(([site]) => site);
  return sites.length === 0
    ? "Here no site's own model is better on its own mail than the federated one; with other seeds some are."
    : `On its own mail a site's own model is better than the federated one, here at: ${sites.join(", ")}.`;
};

export const closingWords = ({
  checkpoint,
  modelFolder,
  quality,
}: {
  readonly checkpoint: string;
  readonly modelFolder: string;
  readonly quality: Quality;
}): string =>
  `
What three enterprises mean: a sum needs all three (n_min 3), so that no dropout is tolerated; and one enterprise that
colludes with the provider can take its own update off the sum, which leaves a sum of two.

To be read with this table: the split of the corpus was chosen because it shows heterogeneity, and the settings were tuned
on the joint test. On other splits of the same corpus the best single site reached 0.93 to 0.94 against 0.95 federated.
${betterAlone(quality)}

Checkpoint: ${checkpoint}
An adapter in PEFT layout and a head. In Python:
  model = PeftModel.from_pretrained(AutoModel.from_pretrained("${modelFolder}"), "${checkpoint}")
  z = mean of its last hidden states over the tokens, scaled to length 1; head.safetensors has weight W and bias b of
  logits = 10 z Wᵀ + b, for the classes ham and spam.
`.trimEnd();
