const decoder = new TextDecoder();

/** Whether certificates can be made here. */
export const hasOpenssl = (() => {
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync().success;
  } catch {
    return false;
  }
})();

/** A certificate and its key, as files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to be like. */
export interface CertificateSpec {
  /** Names of servers. */
  names?: readonly string[];
  /** The common name of its subject; the first of the names unless given. */
  subject?: string;
  /** How long it is valid from now, in days; one that has ended has less than 0. */
  days?: number;
  /** Its key, as openssl is told; ECDSA with P-256 unless given. */
  newKey?: readonly string[];
  /** Its file, without an ending; others of that name are overwritten. */
  file?: string;
}

/** An authority for tests, in a folder of its own, which issues certificates. */
export class Authority implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "iawlb-tls-" });
  /** Its own certificate. */
  readonly cert = `${this.folder}/ca.pem`;
  readonly #key = `${this.folder}/ca.key`;
  #issued = 0;

  constructor() {
    openssl([
      ...["req", "-x509", ...NEW_KEY, "-nodes", "-days", "30", "-subj", "/CN=An authority"],
      ...["-keyout", this.#key, "-out", this.cert],
    ]);
  }

  /** The same as text. */
  get text(): string {
    return Deno.readTextFileSync(this.cert);
  }

  issue(spec: CertificateSpec = {}): CertificateFiles {
    const { names = ["localhost"], days = 20, subject = names[0], newKey = NEW_KEY } = spec;
    const base = spec.file ?? `${this.folder}/${++this.#issued}`;
    const [cert, key, request, more] = ["pem", "key", "csr", "ext"].map((end) => `${base}.${end}`);
    const alternatives = names.map((name) => `DNS:${name}`).join(",");
    Deno.writeTextFileSync(more!, `subjectAltName=${alternatives}\nbasicConstraints=CA:FALSE\n`);
    openssl([
      "req",
      ...newKey,
      "-nodes",
      "-subj",
      `/CN=${subject}`,
      "-keyout",
      key!,
      "-out",
      request!,
    ]);
    openssl([
      ...["x509", "-req", "-in", request!, "-CA", this.cert, "-CAkey", this.#key],
      ...["-set_serial", `${Date.now()}${this.#issued}`, "-days", `${days}`, "-extfile", more!],
      ...["-out", cert!],
    ]);
    return { cert: cert!, key: key! };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

function openssl(args: string[]): void {
  const { success, stderr } = new Deno.Command("openssl", { args }).outputSync();
  if (!success) throw new Error(decoder.decode(stderr));
}

/** What `openssl s_client` says of a connection on which it sends a text and then nothing more. */
export async function sClient(
  port: number,
  args: readonly string[],
  input = "",
): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${port}`, ...args],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { stdout, stderr } = await child.output();
  return decoder.decode(stdout) + decoder.decode(stderr);
}
