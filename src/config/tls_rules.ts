import { hasNodeTls } from "../net/tls/node_tls.ts";
import { type Pair, PairError, readPair } from "../net/tls/pair.ts";
import type { Config, Reporter } from "./config.ts";
import type { OptionName, Settings } from "./options.ts";
import type { CertificateFiles } from "./values/certificates.ts";
import { warningLines } from "./warning_lines.ts";

/** Options about TLS with clients. */
export type TlsSettings = Pick<Settings, "tlsCert" | "tlsKey" | "certificates">;

/** Whether clients speak TLS. */
export function speaksTls({ tlsCert, certificates }: TlsSettings): boolean {
  return tlsCert.path !== "" || certificates.length > 0;
}

/** All certificates with their keys, that of `--tls-cert` first. */
export function certificatesOf(
  { tlsCert, tlsKey, certificates }: TlsSettings,
): readonly CertificateFiles[] {
  if (tlsCert.path === "") return certificates;
  const key = tlsKey.path === "" ? tlsCert : tlsKey;
  return [{ cert: tlsCert, key }, ...certificates];
}

/** A certificate and its key as texts, as far as they were read. */
export function pairText({ cert, key }: CertificateFiles): { cert: string; key: string } {
  const decoder = new TextDecoder();
  return { cert: decoder.decode(cert.bytes), key: decoder.decode(key.bytes) };
}

/** Reports what a listener cannot do about TLS with clients. */
export function checkTls(config: Config, { report, mention }: Reporter): void {
  const { tlsCert, tlsKey, tlsClientCa, listen } = config;
  // That is said by the rules for it.
  if (listen.transport === "udp") return;
  if (!speaksTls(config)) {
    const key: OptionName | undefined = tlsKey.path !== ""
      ? "tlsKey"
      : tlsClientCa.path !== ""
      ? "tlsClientCa"
      : undefined;
    if (key) {
      report({ option: key }, `must be none without ${mention({ option: "tlsCert" })}`);
    }
    return;
  }
  if (tlsClientCa.path !== "") {
    const problem = problemOfClientCa(new TextDecoder().decode(tlsClientCa.bytes));
    if (problem !== undefined) report({ option: "tlsClientCa" }, problem);
  }
  for (const [index, files] of certificatesOf(config).entries()) {
    const single = index === 0 && tlsCert.path !== "";
    const problem = problemOfPair(files);
    if (problem === undefined) continue;
    const { part, message, missing } = problem;
    const option: OptionName = !single
      ? "certificates"
      : part === "key" && tlsKey.path !== ""
      ? "tlsKey"
      : "tlsCert";
    const where = single ? "" : `${files[part].path} `;
    const elsewhere = option === "tlsCert" && part === "key" && missing
      ? `; must have it, or ${mention({ option: "tlsKey" })} the file that has`
      : "";
    report({ option }, `${where}${message}${elsewhere}`);
  }
}

function problemOfPair(files: CertificateFiles): PairError | undefined {
  try {
    readPair(pairText(files));
  } catch (error) {
    if (!(error instanceof PairError)) throw error;
    return error;
  }
}

function problemOfClientCa(text: string): string | undefined {
  if (!hasNodeTls()) {
    return `needs Deno 2.8 or newer, and this is ${Deno.version.deno}; must be none`;
  }
  return text.includes("-----BEGIN CERTIFICATE-----")
    ? undefined
    : "has no certificate in it (PEM, -----BEGIN CERTIFICATE-----)";
}

const DAY_MS = 86_400_000;

/** From so many days before its end on a certificate is warned about. */
const WARNED_DAYS = 14;

/** What is to be said about how long a certificate is valid; `undefined` if nothing is. */
export function validityWarning(
  { from, until }: Pick<Pair, "from" | "until">,
  now = Date.now(),
): string | undefined {
  const day = (time: number) => new Date(time).toISOString().slice(0, 16).replace("T", " ");
  if (now >= until) return `ended at ${day(until)} UTC: clients refuse it`;
  if (now < from) return `begins at ${day(from)} UTC: clients refuse it until then`;
  const days = Math.floor((until - now) / DAY_MS);
  if (days >= WARNED_DAYS) return undefined;
  return `ends in ${days === 1 ? "1 day" : `${days} days`}, at ${day(until)} UTC`;
}

/** Warnings about certificates that will not do, or not for long, a line each. */
export function tlsWarnings(
  { listeners }: { readonly listeners: readonly TlsSettings[] },
): string[] {
  const lines = listeners.flatMap(certificatesOf).flatMap((files) => {
    const warning = validityWarning(readPair(pairText(files)));
    return warning === undefined ? [] : [`certificate ${files.cert.path} ${warning}`];
  });
  return warningLines(lines, "further certificates are not told about");
}
