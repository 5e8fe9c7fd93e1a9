import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { FileError, readBoundedSync } from "../../base/bounded_file.ts";
import { messageOf } from "../../base/errors.ts";
import type { Option } from "../option.ts";

/** Certificates or a key, and the file that they were read from; both empty if there is none. */
export interface PemFile {
  readonly path: string;
  readonly text: string;
}

/** What a file has to have in it. */
export type PemKind = "certificates" | "key";

/** Most bytes of such a file. */
const MAX_BYTES = 4 * 1024 * 1024;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]*-----END (?:[A-Z]+ )?PRIVATE KEY-----/;

/** The contents of a file of certificates, or with a private key, read together with the configuration. */
export function pemFile(spec: { kind: PemKind; help: string }): Option<PemFile> {
  const { kind, help } = spec;
  const allowed = kind === "key"
    ? "none, or the path of a PEM file with a private key"
    : "none, or the path of a PEM file with one certificate or more";
  const read = (text: string) => readPem(text, { kind, allowed });
  return {
    form: "FILE",
    default: { path: "", text: "" },
    help,
    allowed,
    parse: (text) => {
      const found = read(text);
      return typeof found === "string" ? undefined : found;
    },
    problem: (text) => {
      const found = read(text);
      return typeof found === "string" ? found : undefined;
    },
    format: ({ path }) => path || "none",
    tell: ({ path, text }) => path ? `${path} (${sum(text)})` : "none",
    notation: { words: ["none"], pattern: "." },
    path: true,
  };
}

/** The certificates in a text. */
export function certificatesIn(text: string): X509Certificate[] {
  return [...text.matchAll(CERTIFICATE)].map(([pem]) => new X509Certificate(pem));
}

/** The private key in a text, as it is written there; `undefined` if there is none. */
export function keyIn(text: string): string | undefined {
  return KEY.exec(text)?.[0];
}

/** The file, or what is wrong with it. */
function readPem(
  path: string,
  { kind, allowed }: { kind: PemKind; allowed: string },
): PemFile | string {
  if (path === "none") return { path: "", text: "" };
  if (path === "" || path.includes("\0")) return `must be ${allowed}`;
  let text: string;
  try {
    text = new TextDecoder().decode(readBoundedSync(path, MAX_BYTES));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `cannot be read: ${error.message}; must be ${allowed}`;
  }
  const problem = kind === "key" ? problemWithKey(text) : problemWithCertificates(text);
  return problem === undefined ? { path, text } : `${problem}; must be ${allowed}`;
}

function problemWithCertificates(text: string): string | undefined {
  const all = text.match(CERTIFICATE) ?? [];
  if (all.length === 0) return "has no -----BEGIN CERTIFICATE-----";
  for (const [i, pem] of all.entries()) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      return `has a certificate, number ${i + 1}, that cannot be read: ${messageOf(error)}`;
    }
  }
}

function problemWithKey(text: string): string | undefined {
  const key = keyIn(text);
  if (key === undefined) {
    return text.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----")
      ? "has a key with a passphrase, for which nobody can be asked"
      : "has no -----BEGIN PRIVATE KEY-----";
  }
  try {
    createPrivateKey(key);
  } catch (error) {
    return `has a key that cannot be read: ${messageOf(error)}`;
  }
}

/** Tells contents apart: another file under the same name is a difference. */
function sum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
