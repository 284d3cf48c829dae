export { loadSiteConfig, type SiteConfig, siteConfigTemplate, type SiteValues } from "./config.ts";
export { policyRefusals, type PolicyFacts, type PolicyRefusal, policyShape, type SitePolicy } from "./policy.ts";
