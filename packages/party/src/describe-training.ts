/** The part of a contract in plain words that says how a site trains. */
import { ShapeError } from "@bulkhead/base";
import { printable } from "@bulkhead/console";
import type { LanguageTask } from "@bulkhead/finetune";
import type { Contract } from "@bulkhead/protocol";
import { languageTaskOf } from "./contract-task.ts";

type Training = Contract["training"];

/** Optimiser, rate and what bounds a step. */
export const stepWords = ({ optimiser, learningRate, schedule, clipNorm, rowsAtOnce }: Training): string =>
  [
    optimiserWords(optimiser),
    `learning rate ${learningRate} (${scheduleWords(schedule)})`,
    ...(clipNorm === undefined ? [] : [`gradients no longer than ${clipNorm}`]),
    ...(rowsAtOnce === undefined ? [] : [`${rowsAtOnce} rows at once`]),
  ].join(", ");

const optimiserWords = (optimiser: Training["optimiser"]): string => {
  if (optimiser.type === "sgd")
    return optimiser.momentum === undefined ? "sgd" : `sgd with momentum ${optimiser.momentum}`;
  const decay = optimiser.weightDecay;
  return decay === undefined || decay === 0 ? "adam" : `adam with weight decay ${decay}`;
};

const scheduleWords = (schedule: Training["schedule"]): string => {
  if (typeof schedule === "string") return schedule;
  const { type, floor, warmUpSteps } = schedule;
  return [
    `${type} by steps`,
    ...(warmUpSteps === undefined ? [] : [`warm-up of ${warmUpSteps}`]),
    ...(floor === undefined ? [] : [`never below ${floor} of it`]),
  ].join(", ");
};

export const stoppingLines = ({ stopping }: Training): readonly string[] =>
  stopping === undefined
    ? []
    : [
        `  It ends earlier when ${stopping.patience === 1 ? "one round brings" : `${stopping.patience} rounds bring`} no better ${stopping.figure} over all sites (by more than ${stopping.improvement}).`,
      ];

/** None for tasks that are described elsewhere. */
export const taskLines = (contract: Pick<Contract, "task">): readonly string[] => {
  try {
    const task = languageTaskOf(contract);
    return task === undefined ? [] : languageLines(task);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return [`  This program cannot train it: ${error.message}.`];
  }
};

const languageLines = (task: LanguageTask): readonly string[] => [
  `  Adapters: ${loraWords(task.lora)}.`,
  `  Rows of at most ${task.maxTokens} tokens: ${recipeWords(task.rows)}`,
  ...heldOutLines(task.heldOut),
];

const loraWords = ({ rank, alpha, targets, layers, ...lora }: LanguageTask["lora"]): string =>
  [
    `rank ${rank}, alpha ${alpha}${lora.rankStabilised === true ? " over the root of the rank" : ""}`,
    `on ${typeof targets === "string" ? "every projection" : targets.map(printable).join(", ")}`,
    layers === undefined ? "in all blocks" : `in the blocks ${layers.join(", ")}`,
    ...(lora.dropout === undefined || lora.dropout === 0 ? [] : [`dropout ${lora.dropout}`]),
    ...(lora.frozenA === true ? ["A stays as every party draws it, and only B is trained and sent"] : []),
  ].join(", ");

const quoted = (text: string): string => printable(JSON.stringify(text));

const recipeWords = (rows: LanguageTask["rows"]): string => {
  switch (rows.type) {
    case "text":
      return `all of ${quoted(rows.text)} is learned.`;
    case "answer":
      return `${[rows.prefix, rows.text, rows.suffix].map(quoted).join(" + ")}, and of it ${quoted(rows.answer)} and the end are learned.`;
    case "chat":
      return `conversations of the column ${quoted(rows.messages)}, of which the assistant's turns are learned.`;
  }
};

const heldOutLines = (heldOut: LanguageTask["heldOut"]): readonly string[] =>
  heldOut === undefined
    ? []
    : [
        `  One row in ${heldOut.oneIn}, by a hash of ${quoted(heldOut.key)}, is not trained on: each round's model is judged on these, and only sums of it leave.`,
      ];
