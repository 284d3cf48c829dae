/** Whom a connection comes from. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * The socket's address, or, where a reverse proxy of ours is trusted, the one that it saw: the last entry of
 * X-Forwarded-For. All entries before it are the stranger's own words.
 */
export const clientAddress = (request: IncomingMessage, trustProxy: boolean): string => {
  const direct = request.socket.remoteAddress ?? "unknown";
  if (!trustProxy) return direct;
  const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",");
  const last = forwarded.split(",").at(-1)?.trim() ?? "";
  return isIP(last) === 0 ? direct : last;
};
