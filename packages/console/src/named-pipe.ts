/** Tells a pipe that has a name of its own: to open one that nobody writes to would wait for ever. */
import { stat } from "node:fs/promises";

/** Where the system names what this process was started with (`<(command)` in a shell): that is open already. */
const DESCRIPTORS = /^\/(?:dev\/(?:fd\/|stdin$)|proc\/(?:self|\d+)\/fd\/)/u;

export const isNamedPipe = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.isFIFO() && !DESCRIPTORS.test(path);
};
