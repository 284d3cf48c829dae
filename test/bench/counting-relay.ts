/** Passes connections on to another port of the loopback and counts their bytes: all that is on the wire but TCP's own. */
import net from "node:net";

export interface CountingRelay {
  readonly port: number;
  /** Up is towards the other port. */
  readonly bytes: () => { readonly up: number; readonly down: number };
  readonly close: () => void;
}

export const openCountingRelay = (to: number): Promise<CountingRelay> => {
  const counted = { up: 0, down: 0 };
  const server = net.createServer((from) => {
    const onward = net.connect(to, "127.0.0.1");
    from.on("data", (data) => (counted.up += data.length)).pipe(onward);
    onward.on("data", (data) => (counted.down += data.length)).pipe(from);
    // The end of one is the end of the other, whatever it was.
    from.on("error", () => onward.destroy());
    onward.on("error", () => from.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no port");
      resolve({ port: address.port, bytes: () => ({ ...counted }), close: () => server.close() });
    });
  });
};
