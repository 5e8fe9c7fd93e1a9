import { FileError, readBoundedSync } from "../../base/bounded_file.ts";
import { TlsError } from "./failure.ts";

/** Where systems keep the certificates of the authorities that they trust, in one file. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Most bytes of such a file. */
const MAX_BYTES = 4 * 1024 * 1024;

/** How long what was read is used without looking whether the file has changed, in milliseconds. */
const FRESH_MS = 10_000;

let known: { readonly path: string; readonly stamp: string; readonly text: string } | undefined;
let lookedAt = -Infinity;

/**
 * The certificates of the authorities that this system trusts, in PEM: those of `SSL_CERT_FILE`,
 * otherwise of the first bundle that there is.
 *
 * @throws {TlsError} If there are none.
 */
export function systemRoots(): string {
  const now = performance.now();
  if (known && now < lookedAt + FRESH_MS) return known.text;
  const { path, stamp } = find();
  if (!known || known.path !== path || known.stamp !== stamp) {
    try {
      known = { path, stamp, text: new TextDecoder().decode(readBoundedSync(path, MAX_BYTES)) };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new TlsError(`the system's authorities, ${path}: cannot be read: ${error.message}`);
    }
  }
  lookedAt = now;
  return known.text;
}

function find(): { path: string; stamp: string } {
  const named = namedFile();
  for (const path of named ? [named] : BUNDLES) {
    try {
      const { ino, mtime, size } = Deno.statSync(path);
      return { path, stamp: `${ino} ${mtime?.getTime()} ${size}` };
    } catch {
      // It is kept somewhere else here.
    }
  }
  throw new TlsError(
    `there are no authorities of this system to verify servers against (${
      named ? `SSL_CERT_FILE=${named}` : BUNDLES[0]
    }); must be tls-ca=FILE, or SSL_CERT_FILE in the environment`,
  );
}

/** What `SSL_CERT_FILE` says, and not what another thread makes of it for a moment. */
function namedFile(): string | undefined {
  const limit = performance.now() + 1000;
  for (;;) {
    const named = Deno.env.get("SSL_CERT_FILE");
    if (named !== NO_FILE || performance.now() > limit) return named;
  }
}

/** A file without certificates, written as nobody else does. */
const NO_FILE = "/dev/./null";

/** The variables that say where the runtime has its authorities from, and what makes that nowhere. */
const NOWHERE: readonly [name: string, value: string][] = [
  ["DENO_TLS_CA_STORE", "system"],
  ["SSL_CERT_FILE", NO_FILE],
  ["SSL_CERT_DIR", "/dev/null/none"],
];

let alone = false;

/**
 * Makes what a handshake is given the only authorities that count. The runtime adds its own to these
 * (Deno 2.7.11 to 2.9.6, `op_tls_start` in ext/net/ops_tls.rs), so that any public authority could vouch
 * for a server that `tls-ca` wants from another one. It reads them once for all threads, when the first
 * one asks: so it is asked here, while there are none.
 *
 * Two threads may do so at a time: who finds the variables already changed leaves them alone.
 *
 * Afterwards `fetch` over https verifies nobody unless it is given authorities: this program does not do
 * that. The runtime's own export to a collector of OpenTelemetry has a list of its own.
 */
export function trustNobodyElse(): void {
  if (alone) return;
  const before = NOWHERE.map(([name]) => Deno.env.get(name));
  const changed = NOWHERE.map(([name, value], i) => ({ name, value, old: before[i] }))
    .filter(({ value, old }) => old !== value);
  for (const { name, value } of changed) Deno.env.set(name, value);
  try {
    Deno.createHttpClient({}).close();
    alone = true;
  } finally {
    for (const { name, old } of changed) {
      if (old === undefined) Deno.env.delete(name);
      else Deno.env.set(name, old);
    }
  }
}
