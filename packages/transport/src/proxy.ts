/** Which forward proxy a connection takes, and the agent that goes through it with CONNECT (RFC 9110, 9.3.6). */
import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { checkServerIdentity, type SecureContext } from "node:tls";
import { InputError } from "@bulkhead/base";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** `environment` follows HTTPS_PROXY (for wss), HTTP_PROXY (for ws), ALL_PROXY and NO_PROXY, in either case. */
export type ProxyChoice = "environment" | "none" | URL;

/** Gives `undefined` where the connection is direct. Throws an `InputError` on a proxy address that is none. */
export const proxyFor = (url: URL, choice: ProxyChoice): URL | undefined => {
  if (choice === "none") return undefined;
  const address = choice === "environment" ? getProxyForUrl(asHttp(url)) : choice.href;
  if (address === "") return undefined;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy !== undefined && (proxy.protocol === "http:" || proxy.protocol === "https:")) return proxy;
  throw new InputError({
    code: "proxy-malformed",
    place: choice === "environment" ? "HTTPS_PROXY" : "the configured proxy",
    problem: "not the address of an HTTP proxy",
    cure: "write http://host:port",
  });
};

/** `onAnswer` is told the status with which the proxy answers; 200 means that the tunnel stands. */
export const proxyAgent = (
  proxy: URL,
  roots: SecureContext | undefined,
  onAnswer: (status: number) => void,
): ProxyAgent => {
  const agent = new ProxyAgent(proxy.href, roots === undefined ? {} : { secureContext: roots });
  agent.on("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => {
    onAnswer(statusCode);
  });
  return agent;
};

/** Where the host is an IP address, the library would compare the certificate with the name of the proxy. */
class ProxyAgent extends HttpsProxyAgent<string> {
  override connect(request: ClientRequest, options: ConnectOptions): Promise<Socket> {
    if (!options.secureEndpoint) return super.connect(request, options);
    const host = options.host ?? "";
    return super.connect(request, {
      ...options,
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    });
  }
}

type ConnectOptions = Parameters<HttpsProxyAgent<string>["connect"]>[1];

/** The variables are named after the schemes of HTTP. */
const asHttp = (url: URL): string => url.href.replace(/^ws/u, "http");
