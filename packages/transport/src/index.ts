export * from "./accept-secure-link.ts";
export * from "./accept-sessions.ts";
export * from "./backoff.ts";
export * from "./dial-problem.ts";
export * from "./dial-session.ts";
export {
  certifyGateway,
  type GatewayCertificate,
  gatewayCertificate,
  type GatewayClaim,
  LONGEST_CERTIFICATE_MS,
} from "@bulkhead/crypto";
export * from "./gateway-certificate.ts";
export * from "./handshake-messages.ts";
export * from "./link.ts";
export * from "./link-failure.ts";
export * from "./memory-link.ts";
export * from "./open-secure-link.ts";
export * from "./record-cipher.ts";
export * from "./refusal.ts";
export * from "./refusal-problem.ts";
export * from "./session.ts";
export * from "./session-channel.ts";
export * from "./session-frame.ts";
export * from "./session-problem.ts";
export { trustedRoots } from "./trusted-roots.ts";
export * from "./websocket-client.ts";
export * from "./websocket-server.ts";
