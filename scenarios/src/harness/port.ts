import net from "node:net";

/** A port on the loopback that nobody held a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address !== "string") resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
