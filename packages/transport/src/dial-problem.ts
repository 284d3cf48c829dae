/** Why a coordinator was not reached: what the network, TLS, a proxy or another server said, as one line with a cure. */
import { InputError } from "@bulkhead/base";
import { printable } from "./link.ts";

/** Where a try was going, without what a URL may hold of a password. */
export interface DialPlace {
  readonly url: URL;
  readonly proxy: URL | undefined;
}

/** The problems that time may heal. All others need a person. */
const WORTH_RETRYING = new Set([
  "unreachable",
  "proxy-unreachable",
  "coordinator-unavailable",
  "coordinator-busy",
]);

export const isWorthRetrying = (problem: InputError): boolean => WORTH_RETRYING.has(problem.code);

export const hostOf = ({ protocol, host }: URL): string => `${protocol}//${host}`;

/** An error of the socket, of TLS or of the HTTP parser, before there was a WebSocket. */
export const networkProblem = (
  error: Error & { readonly code?: string; readonly rawPacket?: Uint8Array },
  at: DialPlace,
  reachedProxy: boolean,
): InputError => {
  const detail = printable(error.code ?? error.message);
  const isTls = TLS_ERROR.test(detail) || error.rawPacket?.[0] === TLS_ALERT;
  const place = hostOf(at.url);
  if (at.proxy !== undefined && !reachedProxy)
    return new InputError({
      code: isTls ? "tls-mismatch" : "proxy-unreachable",
      place: hostOf(at.proxy),
      problem: `the proxy could not be reached: ${detail}`,
      cure: "check HTTPS_PROXY and the network, or name the coordinator in NO_PROXY",
    });
  if (isTls) return tlsProblem(detail, place, at.url);
  if (NOT_WEBSOCKET.test(detail)) return notACoordinator(place, "it does not answer as a coordinator does");
  return new InputError({
    code: "unreachable",
    place,
    problem: `the coordinator could not be reached: ${detail}`,
    cure:
      detail === "ECONNRESET" && at.url.protocol === "ws:"
        ? "check that it is running; where it speaks TLS, write wss:// for this address"
        : "check that it is running, and that address, scheme (ws or wss) and firewall let us there",
  });
};

/** An HTTP answer where the WebSocket should have opened. */
export const statusProblem = (status: number, at: DialPlace): InputError => {
  const place = hostOf(at.url);
  if (status === 429)
    return new InputError({
      code: "coordinator-busy",
      place,
      problem: "the coordinator has too many connections from this address",
      cure: "close other clients behind this address, or raise its limit there",
    });
  if (status >= 500)
    return new InputError({
      code: "coordinator-unavailable",
      place,
      problem: `what stands before the coordinator answered ${status}`,
      cure: "check that the coordinator is running",
    });
  const mayWantTls = at.url.protocol === "ws:" && WANTS_TLS.has(status);
  return notACoordinator(place, `it answered ${status} to a WebSocket`, mayWantTls);
};

/** A proxy that was reached and would not connect us. Status 5xx means that it tried. */
export const proxyProblem = (status: number, at: DialPlace): InputError => {
  const problem = {
    place: at.proxy === undefined ? hostOf(at.url) : hostOf(at.proxy),
    problem: `the proxy answered ${status} when asked for ${hostOf(at.url)}`,
  };
  if (status >= 500)
    return new InputError({
      ...problem,
      code: "coordinator-unavailable",
      cure: "check that the coordinator is running, and that the proxy can reach it",
    });
  return new InputError({
    ...problem,
    code: "proxy-refused",
    cure:
      status === 407
        ? "put user and password into HTTPS_PROXY"
        : "ask for this address to be allowed at the proxy",
  });
};

const TLS_ALERT = 0x15;
/** What is answered to plain HTTP where TLS is spoken: a bad request, a place elsewhere, an upgrade. */
const WANTS_TLS: ReadonlySet<number> = new Set([400, 301, 302, 307, 308, 426]);
const TLS_ERROR =
  /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|^ERR_(?:TLS|SSL)|^EPROTO$|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/u;
const NOT_WEBSOCKET = /^HPE_|Sec-WebSocket|subprotocol|Upgrade header/u;

const tlsProblem = (detail: string, place: string, url: URL): InputError =>
  new InputError({
    code: "tls-mismatch",
    place,
    problem: `TLS did not come about: ${detail}`,
    cure: url.protocol === "ws:" ? "write wss:// for this address" : tlsCure(detail),
  });

const tlsCure = (detail: string): string =>
  TLS_CURES.find(([codes]) => codes.test(detail))?.[1] ??
  "check scheme, host name and clock, and name your company's root certificate in the config if it needs one";

const TLS_CURES: readonly (readonly [RegExp, string])[] = [
  [/^EPROTO$|WRONG_VERSION/u, "check that TLS is spoken at this port; where it is not, write ws://"],
  [
    /EXPIRED|NOT_YET_VALID/u,
    "check this machine's clock; where that is right, the provider needs a new certificate",
  ],
  [
    /ALTNAME|HOSTNAME_MISMATCH/u,
    "write the address with a host name that its certificate has, or tell the provider",
  ],
  [
    /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|INVALID_CA/u,
    "nobody whom this machine trusts has signed its certificate: name the root of your company in the config if that is who has",
  ],
];

const notACoordinator = (place: string, problem: string, mayWantTls = false): InputError =>
  new InputError({
    code: "not-a-bulkhead-coordinator",
    place,
    problem,
    cure: `check host, port and path of the coordinator's address${mayWantTls ? "; where TLS is spoken there, write wss://" : ""}`,
  });
