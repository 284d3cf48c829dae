/** The process with the rows; what it prints stays in a file on this machine. */
import { invariant, Secret } from "@bulkhead/base";
import { chooseThreads } from "@bulkhead/compute";
import { parameterCount } from "@bulkhead/finetune";
import { readSignedContract } from "@bulkhead/protocol";
import { type Channel, runChild } from "../child-channel.ts";
import { decodeCellSettings } from "../settings.ts";
import { startCell } from "./cell.ts";

const run = async (channel: Channel): Promise<void> => {
  const messages = channel.messages[Symbol.asyncIterator]();
  const start = await messages.next();
  const passphrase = await messages.next();
  if (start.done === true || passphrase.done === true) return;
  invariant(start.value.type === "start", "a cell is started before anything else");
  invariant(passphrase.value.type === "passphrase", "a cell is started with the passphrase");
  const signed = readSignedContract(start.value.contract);
  const { contract } = signed;
  // A classifier's base model is large, however few parameters are trained.
  if (contract.task.kind === "module") chooseThreads(parameterCount(contract.tensors));
  await startCell({
    settings: decodeCellSettings(start.value.settings),
    signed,
    passphrase: new Secret(passphrase.value.bytes),
    channel: {
      messages: { [Symbol.asyncIterator]: () => messages },
      send: (message) => channel.send(message),
    },
    log: (error) => console.error(error),
  });
};

runChild(run);
