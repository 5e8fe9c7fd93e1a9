import { Client } from "./real_servers.ts";

/** A certificate that signs itself, with its key: two files in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes one for these names, in a folder of the test's own. */
export async function makeCertificate(
  folder: string,
  ...names: [string, ...string[]]
): Promise<CertificateFiles> {
  const file = `${folder}/${names[0].replace("*", "any")}`;
  const files = { cert: `${file}.pem`, key: `${file}.key` };
  await using openssl = new Client("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "3", "-subj", `/CN=${names[0]}`, "-keyout", files.key, "-out", files.cert],
    ...["-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`],
  ]);
  const { code, text } = await openssl.ended();
  if (code !== 0) throw new Error(`there is no certificate: ${text}`);
  return files;
}
