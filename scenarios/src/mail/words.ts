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

export const roundsTable = ({ members, rounds }: RunReport): string => {
  const table = renderTable({
    head: ["round", "in the sum", "mean loss", "up", "down", "training", "rest"],
    rows: rounds.map(({ round, survivors, meanLoss, secondsByStage, bytesBySite }) => {
      const training = secondsByStage["collecting-inputs"] ?? 0;
      const bytes = Object.values(bytesBySite);
      return [
        round,
        `${survivors.length} of ${members.length}`,
        meanLoss === null ? "-" : meanLoss.toFixed(4),
        humanBytes(total(bytes.map(({ up }) => up))),
        humanBytes(total(bytes.map(({ down }) => down))),
        humanSeconds(training),
        humanSeconds(total(Object.values(secondsByStage)) - training),
      ];
    }),
  });
  const losses = rounds.flatMap(({ meanLoss }) => (meanLoss === null ? [] : [meanLoss]));
  return [table, lineChart([{ name: "mean loss by round", values: losses }])].join("\n");
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
