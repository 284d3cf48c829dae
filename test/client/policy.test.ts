import fs from "node:fs";
import { createIdentity } from "@bulkhead/crypto";
import {
  markVerified,
  matchesPattern,
  POLICY_CLAUSES,
  policyFacts,
  policyRefusals,
  policyShape,
  readVerifiedPeers,
  type SitePolicy,
  unmarkVerified,
} from "@bulkhead/client";
import { checkContract, jobOf } from "@bulkhead/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";
import { freshFolder } from "../launch.ts";

/** A contract of four members, as the second of them sees it, who has verified nobody. */
const place = () => {
  const { job, members } = newFederation({ members: 4, rounds: 5, attempts: 3, length: 10 });
  const peers = members.map(({ name, signing }) => ({ name, publicKey: signing.publicKey }));
  const [north, site] = [peers[0]!, peers[1]!];
  const provider = { name: "provider", publicKey: job.providerKey };
  const nobody = policyFacts(job, [], site);
  const codes = (policy: SitePolicy) => policyRefusals(policy, job, nobody).map(({ code }) => code);
  return { job, peers, north, site, provider, nobody, codes };
};

describe("a policy", () => {
  test("that says nothing refuses nothing", () => {
    expect(place().codes({})).toEqual([]);
  });

  test("that allows exactly what the contract has refuses nothing", () => {
    const { job, codes } = place();
    const { egress, update, training } = job.contract;
    const exact: SitePolicy = {
      providers: ["prov*"],
      jobs: ["test"],
      tensors: ["weights"],
      metrics: ["examples", "*-sum"],
      minimumCohort: job.least,
      minimumVerified: 1,
      requireVerifiedProvider: false,
      mostRounds: training.rounds,
      mostAttemptsPerRound: egress.attemptsPerRound,
      mostBytes: egress.bytes,
      mostLocalSteps: training.localSteps,
      largestClipNorm: update.clipNorm,
      strictCohorts: true,
    };
    expect(codes(exact)).toEqual([]);
    expect(Object.keys(exact).toSorted()).toEqual(POLICY_CLAUSES.map(({ clause }) => clause).toSorted());
  });

  test.each<readonly [keyof SitePolicy, SitePolicy, string, string]>([
    [
      "providers",
      { providers: ["acme", "other-*"] },
      "policy-provider",
      "provider provider; this site allows acme, other-*",
    ],
    ["jobs", { jobs: [] }, "policy-job", "job test; this site allows none"],
    ["tensors", { tensors: ["head.*"] }, "policy-tensor", "tensor weights; this site allows head.*"],
    ["metrics", { metrics: ["examples"] }, "policy-metric", "metric loss-sum; this site allows examples"],
    [
      "minimumCohort",
      { minimumCohort: 4 },
      "policy-cohort",
      "as few members as 3; this site wants at least 4",
    ],
    [
      "minimumVerified",
      { minimumVerified: 2 },
      "policy-verified-members",
      "this site among them: 1; this site wants at least 2",
    ],
    [
      "requireVerifiedProvider",
      { requireVerifiedProvider: true },
      "policy-verified-provider",
      "provider provider is not verified",
    ],
    ["mostRounds", { mostRounds: 4 }, "policy-rounds", "5; this site allows at most 4"],
    ["mostAttemptsPerRound", { mostAttemptsPerRound: 2 }, "policy-attempts", "3; this site allows at most 2"],
    ["mostBytes", { mostBytes: 1000 }, "policy-bytes", "1000000000; this site allows at most 1000"],
    ["mostLocalSteps", { mostLocalSteps: 0 }, "policy-local-steps", "1; this site allows at most 0"],
    ["largestClipNorm", { largestClipNorm: 2.5 }, "policy-clip-norm", "1000; this site allows at most 2.5"],
  ])("refuses by %s with a stable code and both values", (clause, policy, code, problem) => {
    const { job, nobody } = place();
    expect(policyRefusals(policy, job, nobody)).toEqual([
      { code, clause, problem: expect.stringContaining(problem) },
    ]);
  });

  test("names all that is refused, a few names of many", () => {
    const { job, nobody } = place();
    const tensors = Array.from({ length: 9 }, (_, i) => ({ name: `layer.${i}`, shape: [2], range: 4 }));
    const wide = jobOf(checkContract({ ...job.contract, tensors }));
    const refusals = policyRefusals({ tensors: ["layer.0"], mostRounds: 1 }, wide, nobody);
    expect(refusals.map(({ code }) => code)).toEqual(["policy-tensor", "policy-rounds"]);
    expect(refusals[0]!.problem).toBe(
      "tensors layer.1, layer.2, layer.3, layer.4, layer.5 and 3 more; this site allows layer.0",
    );
  });

  test("never widens: whatever is added to a policy, what was refused stays refused", () => {
    const { codes } = place();
    const policies = fc.record(
      {
        jobs: fc.array(fc.constantFrom("test", "t*", "other"), { maxLength: 3 }),
        minimumCohort: fc.integer({ min: 3, max: 5 }),
        mostRounds: fc.integer({ min: 3, max: 7 }),
        mostBytes: fc.integer({ min: 1, max: 2e9 }),
        minimumVerified: fc.integer({ min: 0, max: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(policies, policies, (one, other) => {
        const both = policyShape({ ...other, ...one });
        const left = new Set(codes(both));
        return codes(policyShape(one)).every((code) => left.has(code));
      }),
    );
  });

  test("is documented clause by clause", () => {
    const page = fs.readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)` .*\| `(policy-[a-z-]+)` +\|$/gmu)];
    expect(rows.map(([, clause, code]) => ({ clause, code }))).toEqual(
      POLICY_CLAUSES.map(({ clause, code }) => ({ clause, code })),
    );
  });
});

test("a pattern matches as its plain meaning says, and many stars take no time", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), maxLength: 8 });
  fc.assert(
    fc.property(pattern, name, (wild, text) => {
      const plain = wild.replaceAll(".", String.raw`\.`).replaceAll("*", ".*");
      return matchesPattern(wild, text) === new RegExp(`^${plain}$`, "u").test(text);
    }),
    { numRuns: 2000 },
  );
  const before = performance.now();
  expect(matchesPattern(`${"*a".repeat(99)}b`, "a".repeat(200))).toBe(false);
  expect(performance.now() - before).toBeLessThan(2000);
});

describe("verified peers", () => {
  const now = new Date("2026-01-02T03:04:05Z");

  test("are none at first, and this site itself", async () => {
    const { job, site } = place();
    const verified = await readVerifiedPeers(freshFolder());
    expect(policyFacts(job, verified, site)).toEqual({ verifiedMembers: [2], isProviderVerified: false });
  });

  test("are remembered by name and key together", async () => {
    const { job, site, north, provider, peers } = place();
    const state = freshFolder();
    await markVerified(state, north, now);
    await markVerified(state, north, now);
    await markVerified(state, provider, now);
    await markVerified(state, { name: "site-3", publicKey: createIdentity("x").signing.publicKey }, now);
    await markVerified(state, { name: "site-9", publicKey: peers[3]!.publicKey }, now);
    const verified = await readVerifiedPeers(state);
    expect(verified).toHaveLength(4);
    expect(policyFacts(job, verified, site)).toEqual({ verifiedMembers: [1, 2], isProviderVerified: true });
  });

  test("lose their mark alone", async () => {
    const { job, site, north, provider } = place();
    const state = freshFolder();
    await markVerified(state, north, now);
    await markVerified(state, provider, now);
    expect(await unmarkVerified(state, north)).toBe(true);
    expect(await unmarkVerified(state, north)).toBe(false);
    expect(policyFacts(job, await readVerifiedPeers(state), site)).toEqual({
      verifiedMembers: [2],
      isProviderVerified: true,
    });
  });

  test("in a damaged file are an error, not nobody", async () => {
    const { north } = place();
    const state = freshFolder();
    await markVerified(state, north, now);
    fs.writeFileSync(`${state}/peers.json`, '{"format":"bulkhead-peers/1","verified":[{"name":"x"}]}');
    await expect(readVerifiedPeers(state)).rejects.toMatchObject({
      code: "peer-file",
      place: expect.stringContaining("peers.json verified[0]"),
    });
  });
});
