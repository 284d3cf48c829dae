/** What the scenario `language-model` tells a person: the qualities side by side, answers, and what to make of them. */
import path from "node:path";
import { printable, renderTable } from "@bulkhead/console";
import type { FolderFigures, FolderQuality } from "./folder-quality.ts";
import { meanAlone } from "./folder-quality.ts";
import { FOLDER_SITES, type FolderSplit } from "./folder-sites.ts";
import { FOLDERS } from "./folder-mail.ts";
import type { FolderJudgements } from "./judge-folders.ts";

const percent = (share: number): string => (100 * share).toFixed(1);

export const splitTable = ({ sites, test }: FolderSplit): string =>
  renderTable({
    head: ["site", "mails", ...FOLDERS],
    rows: [...sites, ["everybody's test", test] as const].map(([name, mails]) => [
      name,
      mails.length,
      ...FOLDERS.map((folder) => mails.filter((mail) => mail.folder === folder).length),
    ]),
  });

const row = (name: string, { balanced, home, others }: FolderFigures) => [
  name,
  percent(balanced),
  percent(home),
  percent(others),
];

export const folderTable = (quality: FolderQuality, seeds: number): string => {
  const { base, alone, federated, centralised } = quality;
  const table = renderTable({
    head: ["accuracy in %", "balanced", "on mail as at home", "as at the others"],
    rows: [
      row("the model as it was", base),
      ...FOLDER_SITES.map((site) => row(`${site} alone`, alone[site])),
      row("alone, in the mean", meanAlone(quality)),
      row("federated", federated),
      row("all mail in one place", centralised),
    ],
  });
  const mean =
    seeds === 1 ? "One seed: a cell has a standard error of 3.4 points." : `Means of ${seeds} seeds.`;
  return `${table}\n${mean} Sites alone take as many steps as in the federation, all mail in one place those of all sites.`;
};

/** Before and after, of the same mails. */
export const answersTable = ({ base, federated }: FolderJudgements): string =>
  renderTable({
    head: ["a mail about", "folder", "answer before", "answer after"],
    rows: federated!.samples.map(({ subject, folder, answer }, i) => [
      printable(subject).slice(0, 32),
      folder,
      oneLine(base!.samples[i]!.answer),
      oneLine(answer),
    ]),
  });

const oneLine = (text: string): string => printable(text.replaceAll(/\s+/gu, " ").trim()).slice(0, 40);

/** What the table does not say by itself. */
const honesty = (quality: FolderQuality): string => {
  const { federated, centralised } = quality;
  const alone = meanAlone(quality);
  const points = (more: number, less: number) => `${percent(more - less)} points`;
  const home =
    alone.home > federated.home
      ? `At home, on mail mixed as a site's own, its own model is better than the federated one, here by ${points(alone.home, federated.home)}
in the mean`
      : "At home a site's own model is as good as the federated one or better with other seeds; here it is not";
  return `${home}: what the federated one is better at is everybody's mail, and it is one model for all. All mail in one
place is ${points(centralised.balanced, federated.balanced)} ahead of it. A Naive Bayes on the same 32 tokens of all mail in one place reaches 72 %: the point
is that a language model is trained and no mail moves, not that it is the best classifier. The settings were picked on the
test mails of seed 0, which is the first seed here too.`;
};

export const folderClosingWords = ({
  checkpoint,
  modelFile,
  quality,
}: {
  readonly checkpoint: string;
  readonly modelFile: string;
  readonly quality: FolderQuality;
}): string =>
  `
To be read with this table: ${honesty(quality)}

What three companies mean: a sum needs all three (n_min 3), so that no dropout is tolerated; and one company that colludes
with the provider can take its own update off the sum, which leaves a sum of two.

Checkpoint: ${checkpoint}
An adapter in PEFT layout. In Python (transformers, peft and gguf):
  base = AutoModelForCausalLM.from_pretrained("${path.dirname(modelFile)}", gguf_file="${path.basename(modelFile)}")
  model = PeftModel.from_pretrained(base, "${checkpoint}")
A prompt is "<|im_start|>user\\n{subject}. {body}\\nFolder?<|im_end|>\\n<|im_start|>assistant\\n", of 32 tokens with its answer.
`.trimEnd();
