/** Where text is coloured: at a terminal that can, and never in a file or a pipe, though the library would on CI. */
import pc from "picocolors";

export const hasColours = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY ? pc.isColorSupported : false;
