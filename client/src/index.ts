export { loadSiteConfig, type SiteConfig, siteConfigTemplate, type SiteValues } from "./config.ts";
export { matchesPattern } from "./policy-names.ts";
export {
  POLICY_CLAUSES,
  policyRefusals,
  type PolicyFacts,
  type PolicyRefusal,
  policyShape,
  type SitePolicy,
} from "./policy.ts";
export {
  isVerified,
  markVerified,
  policyFacts,
  readVerifiedPeers,
  unmarkVerified,
  type VerifiedPeer,
} from "./verified-peers.ts";
