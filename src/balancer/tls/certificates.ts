import type { SecureContext } from "node:tls";
import type { Logger } from "@logtape/logtape";
import { messageOf } from "../../base/errors.ts";
import { FileError, readBounded } from "../../base/bounded_file.ts";
import { every, type Timer } from "../../base/timer.ts";
import type { Settings } from "../../config/options.ts";
import { certificatesOf, pairText, speaksTls, validityWarning } from "../../config/tls_rules.ts";
import type { AnswerFile } from "../../config/values/answer_file.ts";
import { type CertificateFiles, MAX_PEM_BYTES } from "../../config/values/certificates.ts";
import { AcceptFailures } from "../../net/accept_failures.ts";
import { ByName } from "../../net/tls/by_name.ts";
import { InnerPort } from "../../net/tls/inner_port.ts";
import { type Pair, PairError, type PairText, readPair } from "../../net/tls/pair.ts";
import { contextOf } from "../../net/tls/serving_by_node.ts";
import { Strangers } from "./strangers.ts";

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 1000;

const DAY_MS = 86_400_000;

/** Options of {@linkcode Certificates}. */
export interface CertificatesOptions {
  /** Those in force; they may change. */
  settings: Pick<Settings, "tlsCert" | "tlsKey" | "certificates" | "tlsAlpn">;
  log: Logger;
  /** Whether the log is told of what happens to all threads alike. */
  tells: boolean;
  onShortage?: () => void;
}

/** A certificate that clients are shown, and where the runtime does that. */
export class ServedCertificate {
  /** What was configured, which a reload may change. */
  readonly files: CertificateFiles;
  pair: Pair;
  /** What the files were like when they were read last; absent until they were looked at. */
  stamp: string | undefined;
  /** What they were like when they were no good, and whether that was said. */
  bad: { stamp: string; said: boolean } | undefined;
  /** The day for which a warning was told. */
  warned = Math.floor(Date.now() / DAY_MS);
  port: InnerPort | undefined;
  /** What all clients share that are shown it. */
  context: SecureContext | undefined;

  constructor(files: CertificateFiles) {
    this.files = files;
    this.pair = readPair(pairText(files));
  }

  get names(): readonly string[] {
    return this.pair.names;
  }

  get path(): string {
    return this.files.cert.path;
  }
}

/**
 * The certificates of a listener. They are read again when their files change: what connects from then
 * on is shown the new one, and nobody notices otherwise. Files that are no good change nothing.
 */
export class Certificates {
  readonly #options: CertificatesOptions;
  #served: ServedCertificate[] = [];
  #byName: ByName<ServedCertificate> | undefined;
  /** The protocols that are offered now. */
  #protocols = "";
  /** Looks at the files, while there are any. */
  #looks: Timer | undefined;
  /** Whether a look is under way. */
  #looking = false;
  #closed = false;
  readonly #failures: AcceptFailures;
  readonly #strangers: Strangers;

  constructor(options: CertificatesOptions) {
    this.#options = options;
    const { log, onShortage } = options;
    this.#strangers = new Strangers(log);
    this.#failures = new AcceptFailures({ log, what: "handshakes", onShortage });
    this.apply();
  }

  /** Whether clients speak TLS. */
  get any(): boolean {
    return this.#byName !== undefined;
  }

  get all(): readonly ServedCertificate[] {
    return this.#served;
  }

  /** The certificate for the name that a client asks for. There has to be one. */
  find(name: string | undefined): ServedCertificate {
    return this.#byName!.find(name);
  }

  /**
   * Where the runtime shows a certificate.
   *
   * @throws If there is no descriptor or no port for that.
   */
  portOf(served: ServedCertificate): InnerPort {
    return served.port ??= this.#open(served.pair);
  }

  /** What all clients share that are shown a certificate. */
  contextOf(served: ServedCertificate): SecureContext {
    return served.context ??= contextOf(served.pair);
  }

  /** The settings have changed: certificates that are the same go on. */
  apply(): void {
    if (this.#closed) return;
    const { settings } = this.#options;
    const protocols = settings.tlsAlpn.join();
    const before = this.#served;
    this.#served = certificatesOf(settings).map((files) => {
      const same = before.find((one) => isSame(one.files, files));
      return same ?? new ServedCertificate(files);
    });
    for (const one of before) {
      if (protocols === this.#protocols && this.#served.includes(one)) continue;
      one.port?.retire();
      one.port = undefined;
    }
    this.#protocols = protocols;
    this.#arrange();
    if (!speaksTls(settings)) {
      this.#looks?.stop();
      this.#looks = undefined;
    } else this.#looks ??= every(LOOK_MS, () => this.look());
  }

  /** Looks whether files have changed, or certificates come to their end. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (const served of this.#served) {
        await this.#lookAt(served);
        this.#warn(served);
      }
    } finally {
      this.#looking = false;
    }
  }

  /** Nobody is shown a certificate any more. */
  close(): void {
    this.#closed = true;
    this.#looks?.stop();
    this.#strangers.close();
    for (const { port } of this.#served) port?.close();
  }

  #open({ cert, key }: PairText): InnerPort {
    return new InnerPort({
      pair: { cert, key },
      protocols: this.#options.settings.tlsAlpn,
      failures: this.#failures,
      onStranger: (remote) => this.#strangers.note(remote),
    });
  }

  #arrange(): void {
    this.#byName = this.#served.length > 0 ? new ByName(this.#served) : undefined;
  }

  async #lookAt(served: ServedCertificate): Promise<void> {
    const { cert, key } = served.files;
    let stamp = "";
    try {
      stamp = await stampOf([cert.path, key.path]);
      if (stamp === served.stamp) return;
      const text = { cert: await readText(cert), key: await readText(key) };
      if (text.cert !== served.pair.cert || text.key !== served.pair.key) {
        const pair = readPair(text);
        // It may have gone meanwhile.
        if (this.#closed || !this.#served.includes(served)) return;
        this.#replace(served, pair);
      }
      served.stamp = stamp;
      served.bad = undefined;
    } catch (error) {
      // The other file may follow in a moment: it is said when it is still so at the next look. Maybe
      // the files are good, and the machine is short of something: each look tries again.
      const said = stamp === served.bad?.stamp;
      if (said && !served.bad!.said && this.#options.tells) {
        this.#options.log.warning(
          "certificate {path} has changed and is no good, the one before it stays: {reason}",
          { path: cert.path, reason: reasonOf(error, served.files) },
        );
      }
      served.bad = { stamp, said };
    }
  }

  /** Clients are shown another certificate from now on. */
  #replace(served: ServedCertificate, pair: Pair): void {
    const before = served.port;
    // First the new one: if that cannot be, everything is as before.
    if (before) served.port = this.#open(pair);
    served.pair = pair;
    served.context = undefined;
    before?.retire();
    this.#arrange();
    served.warned = 0;
    if (!this.#options.tells) return;
    this.#options.log.info("certificate {path} has changed: for {names} until {until}", {
      path: served.path,
      names: pair.names.join(", "),
      until: new Date(pair.until).toISOString(),
    });
  }

  /** Says once a day that a certificate will not do for long. */
  #warn(served: ServedCertificate): void {
    const today = Math.floor(Date.now() / DAY_MS);
    if (!this.#options.tells || served.warned === today) return;
    served.warned = today;
    const warning = validityWarning(served.pair);
    if (warning === undefined) return;
    this.#options.log.warning("certificate {path} {warning}", { path: served.path, warning });
  }
}

function isSame(one: CertificateFiles, other: CertificateFiles): boolean {
  return one.cert.path === other.cert.path && one.key.path === other.key.path &&
    same(one.cert.bytes, other.cert.bytes) && same(one.key.bytes, other.key.bytes);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** What shows that files have changed. */
async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps: string[] = [];
  for (const path of paths) {
    const { ino, size, mtime, ctime } = await Deno.stat(path).catch(() => GONE);
    stamps.push([ino, size, mtime?.getTime(), ctime?.getTime()].join());
  }
  return stamps.join(";");
}

const GONE = { ino: null, size: 0, mtime: null, ctime: null };

async function readText({ path }: AnswerFile): Promise<string> {
  try {
    return new TextDecoder().decode(await readBounded(path, { limit: MAX_PEM_BYTES }));
  } catch (error) {
    throw new FileError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** Why files do not serve, with the name of the one. */
function reasonOf(error: unknown, files: CertificateFiles): string {
  const message = messageOf(error);
  return error instanceof PairError ? `${files[error.part].path} ${message}` : message;
}
