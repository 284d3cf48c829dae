/** `model import`, `merge` and `export`: models and adapters out of what they came in, into folders that others read. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, InputError } from "@bulkhead/base";
import { EXIT } from "@bulkhead/console";
import {
  adapterScale,
  type BaseModel,
  mergeChange,
  openBaseModel,
  readAdapterFolder,
  type WrittenModel,
  type WrittenType,
  writeAdapterFolder,
  writeModel,
} from "@bulkhead/finetune";
import { tellResult } from "@bulkhead/party";
import { diskError, makeFolder } from "@bulkhead/store";
import { digestOf } from "./model-digest.ts";

interface Written {
  readonly out: string;
  readonly type: WrittenType;
  readonly json?: true | undefined;
}

export interface ImportOptions extends Written {
  readonly model: string;
}

export const importModel = ({ model, out, type, json }: ImportOptions): Promise<number> =>
  withBase(model, async (base) => {
    const written = await intoFolder(out, () => writeModel(base, out, type));
    await tellModel({ model, out, type, json }, written);
  });

export interface MergeOptions extends ImportOptions {
  readonly adapter: string;
}

export const merge = ({ model, adapter: folder, out, type, json }: MergeOptions): Promise<number> =>
  withBase(model, async (base) => {
    const adapter = await readAdapterFolder(folder, base);
    const written = await intoFolder(out, () => writeModel(base, out, type, mergeChange(base, adapter)));
    await tellModel({ model, out, type, json }, written);
  });

export interface ExportOptions extends MergeOptions {
  readonly baseName?: string;
}

/** The adapter of a checkpoint, checked against its base model, with the name by which others load that. */
export const exportAdapter = ({ model, adapter: folder, baseName, out, type, json }: ExportOptions) =>
  withBase(model, async (base) => {
    const adapter = await readAdapterFolder(folder, base);
    const name = baseName ?? adapter.baseName ?? model;
    await intoFolder(out, () => writeAdapterFolder(out, base, adapter, { baseName: name, type }));
    const { plan, trained } = adapter;
    const parameters = trained.length;
    tellResult(json, { adapter: out, baseModel: name, rank: plan.rank, alpha: plan.alpha, parameters }, [
      `Adapter of rank ${plan.rank}, scale ${adapterScale(plan)}, ${parameters} parameters in ${out}; its base model is ${name}.`,
    ]);
  });

const withBase = async (place: string, work: (base: BaseModel) => Promise<void>): Promise<number> => {
  const base = await openBaseModel(place);
  try {
    await work(base);
    return EXIT.done;
  } finally {
    await base.close();
  }
};

/** Nothing is left of what could not be finished. */
const intoFolder = async <T>(out: string, write: () => Promise<T>): Promise<T> => {
  const isThere = fs.existsSync(out);
  if (isThere && (!fs.statSync(out).isDirectory() || fs.readdirSync(out).length > 0))
    throw new InputError({
      code: "path-exists",
      place: out,
      problem: "it is there already, and not an empty folder",
      cure: "name another folder with --out, or remove it",
    });
  await makeFolder(out);
  try {
    return await write();
  } catch (error) {
    for (const name of fs.readdirSync(out)) fs.rmSync(path.join(out, name), { force: true });
    if (!isThere) fs.rmdirSync(out);
    throw diskError("write", out, error);
  }
};

const tellModel = async (
  { model, out, type, json }: ImportOptions,
  { tensors, leftOut }: WrittenModel,
): Promise<void> => {
  const digest = bytesToHex(await digestOf(out));
  tellResult(json, { model: out, from: model, type, tensors, leftOut: [...leftOut], digest }, [
    `${tensors} tensors in ${type} in ${out}, read from ${model}.`,
    ...(leftOut.length === 0 ? [] : [`Left out, since they hold no floats: ${leftOut.join(", ")}`]),
    `Digest, for contracts: ${digest}`,
  ]);
};
