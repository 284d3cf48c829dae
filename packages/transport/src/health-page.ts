/** Plain HTTP on the coordinator's port: `GET /healthz` and nothing else. */
import type { IncomingMessage, ServerResponse } from "node:http";

export const answerHttp = (
  request: IncomingMessage,
  response: ServerResponse,
  healthz: () => object,
): void => {
  request.resume();
  const asked = request.method === "GET" || request.method === "HEAD" ? request.url : undefined;
  const [status, body] = asked === "/healthz" ? healthOf(healthz) : [404, { status: "not-found" }];
  const json = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(json),
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(request.method === "HEAD" ? undefined : json);
};

const healthOf = (healthz: () => object): readonly [number, object] => {
  try {
    return [200, healthz()];
  } catch {
    return [500, { status: "failed" }];
  }
};
