/** The machine in one line: what figures of different machines are told apart by. */
import os from "node:os";
import { openBackend } from "@bulkhead/compute";

export const describeMachine = async (): Promise<string> => {
  const backends: string[] = [];
  for (const name of ["tensorflow", "wasm"] as const)
    backends.push(
      await openBackend(name).then(
        ({ version }) => `${name}: ${version}`,
        () => `no ${name}`,
      ),
    );
  return [
    os.cpus()[0]?.model.trim() ?? "unknown processor",
    `${os.availableParallelism()} cores`,
    `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    `${os.platform()} ${os.arch()}`,
    `Node ${process.versions.node}`,
    `OpenSSL ${process.versions.openssl}`,
    ...backends,
  ].join(", ");
};
