/** A certificate authority for one test run, and server certificates that it signs, made with the `openssl` command. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Secret } from "@bulkhead/base";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export interface ThrowawayTls {
  readonly authority: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: { readonly certificate: string; readonly key: Secret };
  /** For `localhost` and not for its address. */
  readonly named: { readonly certificate: string; readonly key: Secret };
  /** For another host. */
  readonly elsewhere: { readonly certificate: string; readonly key: Secret };
}

export const makeThrowawayTls = (): ThrowawayTls => {
  const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-tls-"));
  const at = (name: string): string => path.join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const sign = (name: string, names: string) => {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`);
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...issuer,
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.pem`,
    );
    return {
      certificate: readFileSync(at(`${name}.pem`), "utf8"),
      key: new Secret(new Uint8Array(readFileSync(at(`${name}.key`)))),
    };
  };
  try {
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-days",
      "2",
      "-subj",
      "/CN=Test CA",
    );
    return {
      authority: readFileSync(at("ca.pem"), "utf8"),
      server: sign("server", "DNS:localhost,IP:127.0.0.1"),
      named: sign("named", "DNS:localhost"),
      elsewhere: sign("elsewhere", "DNS:elsewhere.test"),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
};
