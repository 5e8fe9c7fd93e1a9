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
  const named = Deno.env.get("SSL_CERT_FILE");
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

/** The variables that say where the runtime has its authorities from, and what makes that nowhere. */
const NOWHERE: Readonly<Record<string, string>> = {
  DENO_TLS_CA_STORE: "system",
  SSL_CERT_FILE: "/dev/./null",
  SSL_CERT_DIR: "/dev/null/none",
};

/** What the runtime refuses, if it has not read its authorities before. */
const REFUSED = { DENO_TLS_CA_STORE: "none of them" };

/** Whether what a handshake is given are the only authorities that count; `undefined` if not known yet. */
let alone: boolean | undefined;

/**
 * Makes what a handshake is given the only authorities that count. The runtime adds its own to these
 * (Deno 2.7.11 to 2.9.6, `op_tls_start` in ext/net/ops_tls.rs), so that any public authority could vouch
 * for a server that `tls-ca` wants from another one. It reads them once for all threads, when the first
 * one asks: so it is asked here, while there are none. To be called before there are threads, which are
 * told by {@linkcode trustAsTold}.
 *
 * Afterwards `fetch` over https verifies nobody unless it is given authorities: this program does not do
 * that. The runtime's own export to a collector of OpenTelemetry has a list of its own.
 *
 * @returns Whether that was in time. The command line of Deno may have asked before, which the standalone
 * binary has not: the runtime's own client must not verify anybody then.
 */
export function trustNobodyElse(): boolean {
  if (alone === undefined) {
    alone = Deno.build.standalone || !hasAuthorities();
    if (alone) withVariables(NOWHERE, () => Deno.createHttpClient({}).close());
  }
  return alone;
}

/** What `trustNobodyElse` has said in another thread of this process. */
export function trustAsTold(told: boolean): void {
  alone = told;
}

/** Whether the runtime has read its authorities. */
function hasAuthorities(): boolean {
  return withVariables(REFUSED, () => {
    try {
      Deno.createHttpClient({}).close();
      return true;
    } catch {
      return false;
    }
  });
}

function withVariables<T>(values: Readonly<Record<string, string>>, act: () => T): T {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
    return act();
  } finally {
    for (const [name, old] of before) {
      if (old === undefined) Deno.env.delete(name);
      else Deno.env.set(name, old);
    }
  }
}
