import { find } from "./packaged_servers.ts";

/** What a certificate is like; for `localhost` and a month unless told otherwise. */
export interface CertificateOptions {
  /** That of its key; P-256 unless given. */
  curve?: string;
  /** For whom it is, as openssl writes it. */
  san?: string;
  /** The name of the authority that signs it; itself if it is its own. */
  by?: string;
  /** Whether it is marked as one of an authority. */
  authority?: boolean;
  /** Whether it has expired. */
  expired?: boolean;
  /** Whether it is valid only from 2048 on. */
  early?: boolean;
  /** The common name of its subject; what it is called unless given. */
  subject?: string;
  /** Whether it is of version 1, which has no extensions. */
  version1?: boolean;
}

/** Certificates and keys in a folder of their own, made by openssl; one authority, `ca`, is there. */
export class TlsFiles implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "iawlb-tls-" });

  constructor() {
    this.make("ca", { by: "ca", authority: true, san: "DNS:authority.example" });
  }

  /** Whether the programs are there that this needs. */
  static readonly isPossible = find("openssl") !== undefined;

  cert(name: string): string {
    return `${this.folder}/${name}.pem`;
  }

  key(name: string): string {
    return `${this.folder}/${name}.key`;
  }

  /** The contents of both. */
  pair(name: string): { cert: string; key: string } {
    return {
      cert: Deno.readTextFileSync(this.cert(name)),
      key: Deno.readTextFileSync(this.key(name)),
    };
  }

  /** Makes a certificate and its key. */
  make(name: string, options: CertificateOptions = {}): void {
    const { san = "DNS:localhost,IP:127.0.0.1", by = "ca", authority = false } = options;
    const { curve = "prime256v1" } = options;
    const signer = by === name ? ["-selfsign"] : ["-cert", this.cert(by)];
    Deno.writeTextFileSync(
      `${this.folder}/${name}.cnf`,
      [
        "[ca]\ndefault_ca=d\n[d]",
        `database=${this.folder}/${name}.index\nserial=${this.folder}/${name}.serial`,
        `new_certs_dir=${this.folder}\ndefault_md=sha256\npolicy=p`,
        options.version1 ? "" : "x509_extensions=e",
        "unique_subject=no\n[p]\ncommonName=supplied",
        `[e]\nsubjectAltName=${san}\nbasicConstraints=critical,CA:${authority ? "TRUE" : "FALSE"}`,
      ].join("\n") + "\n",
    );
    Deno.writeTextFileSync(`${this.folder}/${name}.index`, "");
    const serial = [...crypto.getRandomValues(new Uint8Array(8))].map((n) => n.toString(16));
    Deno.writeTextFileSync(
      `${this.folder}/${name}.serial`,
      `1${serial.join("").slice(0, 12)}00`.slice(0, 14),
    );
    openssl([
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${curve}`, "-nodes"],
      ...["-keyout", this.key(name), "-out", `${this.folder}/${name}.csr`, "-subj"],
      `/CN=${options.subject ?? name}`,
    ]);
    const ends = options.expired
      ? ["20200101000000Z", "20210101000000Z"]
      : [options.early ? "20480101000000Z" : "20260101000000Z", "20490101000000Z"];
    openssl([
      ...["ca", "-batch", "-notext", "-config", `${this.folder}/${name}.cnf`, ...signer],
      ...["-keyfile", this.key(by), "-in", `${this.folder}/${name}.csr`],
      ...["-startdate", ends[0]!, "-enddate", ends[1]!, "-out", this.cert(name)],
    ]);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function openssl(args: readonly string[]): void {
  const { success, stderr } = new Deno.Command("openssl", {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
