export { budgetProblem } from "./cell/budget.ts";
export { type CellOptions, startCell } from "./cell/cell.ts";
export { cohortProblem } from "./cell/cohort.ts";
export { contributionOf, weightOf } from "./cell/contribution.ts";
export { Contributor } from "./cell/contributor.ts";
export { type CellEntry, cellEntryCodec } from "./cell/journal.ts";
export { KeptUpdate } from "./cell/kept-update.ts";
export type { Site } from "./cell/open-site.ts";
export { Outbox } from "./cell/outbox.ts";
export type { CellOutcome } from "./cell/outcome.ts";
export { type CellPipe, PipeDesk } from "./cell/pipe-desk.ts";
export { NO_PROGRESS, progressOf } from "./cell/progress.ts";
export { VectorIntake } from "./cell/vector-intake.ts";
export { type Channel, openChannel } from "./child-channel.ts";
export { loadSiteConfig, type SiteConfig, siteConfigTemplate, type SiteValues } from "./config.ts";
export { Egress, maskedBytesOf } from "./gateway/egress.ts";
export { type EgressEntry, openEgressLog, readEgressLog } from "./gateway/egress-log.ts";
export { runGateway } from "./gateway/gateway.ts";
export { MessageWriter, messagesOf } from "./frame-stream.ts";
export { decodeNews, encodeNews, type News, type NewsOf } from "./news.ts";
export {
  decodePipeMessage,
  encodePipeMessage,
  LONGEST_PIPE_MESSAGE,
  passphraseMessage,
  type PipeMessage,
  type PipeMessageOf,
} from "./pipe.ts";
export { matchesPattern } from "./policy-names.ts";
export {
  POLICY_CLAUSES,
  policyRefusals,
  type PolicyFacts,
  type PolicyRefusal,
  policyShape,
  type SitePolicy,
} from "./policy.ts";
export { type CellSettings, encodeSettings, type GatewaySettings } from "./settings.ts";
export {
  isVerified,
  markVerified,
  policyFacts,
  readVerifiedPeers,
  unmarkVerified,
  type VerifiedPeer,
} from "./verified-peers.ts";
export { program } from "./program.ts";
export { isMarked, markContract, registerFile } from "./supervisor/contract-register.ts";
export { exitOf, isFinal, type RunEnd, runEndOf } from "./supervisor/run-end.ts";
export { claimRun, readRunRecord, type RunRecord, writeRunRecord } from "./supervisor/run-record.ts";
export { readStatus, StatusFile } from "./supervisor/status.ts";
export { type Ending, Supervisor, type SupervisorOptions } from "./supervisor/supervisor.ts";
export { cellView, gatewayView, type View } from "./supervisor/wall/view.ts";
export { openTeller } from "./supervisor/tell-news.ts";
export { raiseWall, type Wall } from "./supervisor/wall/wall.ts";
