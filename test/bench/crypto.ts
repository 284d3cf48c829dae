/**
 * CPU time per call of what a round spends its time on: `npx tsx --conditions=bulkhead-src test/bench/crypto.ts`.
 * Median and best of nine runs, one thread.
 */
import {
  agree,
  agreementKeys,
  deriveSecret,
  hashFields,
  keystream,
  merkleTree,
  open,
  openKeystream,
  openOnce,
  randomBytes,
  randomSecret,
  seal,
  sealOnce,
  segmentNonce,
  sha256,
  sign,
  signingKeys,
  verify,
  verifyMerklePath,
} from "@bulkhead/crypto";

const RUNS = 9;

const microsPerCall = (run: () => void, calls: number): readonly number[] => {
  const once = () => {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call++) run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  };
  once();
  return Array.from({ length: RUNS }, once).toSorted((a, b) => a - b);
};

const report = (name: string, calls: number, run: () => void, bytes?: number): void => {
  const times = microsPerCall(run, calls);
  const [median, best] = [times[Math.floor(RUNS / 2)]!, times[0]!];
  const shown = (micros: number) =>
    bytes === undefined ? `${micros.toFixed(1)} us` : `${(bytes / micros / 1000).toFixed(2)} GB/s`;
  console.log(`${name.padEnd(28)} ${shown(median).padStart(12)}   best ${shown(best)}`);
};

const [key, nonce, message] = [randomBytes(32), segmentNonce(0), randomBytes(200)];

for (const kib of [4, 16, 64, 128, 256, 1024]) {
  const stream = openKeystream({ key, nonce, offset: 0 });
  report(`keystream, ${kib} KiB a piece`, Math.ceil(32_768 / kib), () => stream.next(kib * 1024), kib * 1024);
}
report("keystream, open and 8 bytes", 3000, () => keystream({ key, nonce, offset: 64 }, 8));

const [a, b] = [agreementKeys(randomSecret(32)), agreementKeys(randomSecret(32))];
report("agreementKeys", 500, () => agreementKeys(a.secretKey));
report("agree", 500, () => agree(a.secretKey, b.publicKey));

const signer = signingKeys(randomSecret(32));
const signature = sign(signer.secretKey, message);
report("sign", 500, () => sign(signer.secretKey, message));
report("verify", 500, () => verify(signer.publicKey, message, signature));

report("deriveSecret", 2000, () => deriveSecret({ secret: a.secretKey, salt: key, info: message }));
report("hashFields, 200 bytes", 3000, () => hashFields("bulkhead/1", message));
const megabyte = new Uint8Array(2 ** 20);
report("sha256, 1 MiB", 30, () => sha256(megabyte), megabyte.length);

const sealed = seal(a.secretKey, nonce, message, key);
report("seal, 200 bytes", 2000, () => seal(a.secretKey, nonce, message, key));
report("open, 200 bytes", 2000, () => open(a.secretKey, nonce, sealed, key));
const box = sealOnce(b.secretKey, new Uint8Array(64));
report("randomSecret and sealOnce", 2000, () => sealOnce(randomSecret(32), new Uint8Array(64)));
report("openOnce, 64 bytes", 2000, () => openOnce(b.secretKey, box));

const leaves = Array.from({ length: 510 }, () => randomBytes(32));
const { root, path } = merkleTree(leaves);
const proof = path(300);
report("merkleTree, 510 leaves", 5, () => merkleTree(leaves));
report("verifyMerklePath, 510 leaves", 1000, () =>
  verifyMerklePath(root, leaves[300]!, { index: 300, size: 510 }, proof),
);
