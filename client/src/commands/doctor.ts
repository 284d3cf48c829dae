/** `doctor`, at a site: with its config, training is measured with its own base model and backend. */
import type { ExitCode } from "@bulkhead/console";
import { doctor, type DoctorOptions } from "@bulkhead/party";
import { loadSiteConfig } from "../config.ts";

interface ExamineOptions {
  readonly contract?: string;
  readonly config?: string;
  readonly json?: true;
}

export const examine = async ({ contract, config, json }: ExamineOptions): Promise<ExitCode> =>
  doctor({
    side: "site",
    contract,
    training: config === undefined ? undefined : await trainingAt(config),
    json,
  });

const trainingAt = async (file: string): Promise<DoctorOptions["training"]> => {
  const { model, backend } = (await loadSiteConfig(file)).config;
  return model?.folder === undefined ? undefined : { modelFolder: model.folder, backend };
};
