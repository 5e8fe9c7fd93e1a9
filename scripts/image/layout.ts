import { archive } from "../packaging/tarball.ts";
import { imageArchitecture } from "./configuration.ts";
import type { Layer } from "./layers.ts";

const TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/** What a blob is, how large, and the digest that it is found by. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image that only has to be written. */
export interface Image {
  /** The configuration, as JSON. */
  readonly config: string;
  readonly layers: readonly Layer[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly version: string;
  /** What an engine calls it once it is loaded. */
  readonly reference: string;
  readonly date: Date;
}

/**
 * Writes the image as a layout of the OCI specification: a directory, which must not be there.
 *
 * @returns The digest of its manifest.
 */
export async function writeLayout(folder: string, image: Image): Promise<string> {
  const { config, layers, annotations, version } = image;
  const blobs = `${folder}/blobs/sha256`;
  await Deno.mkdir(blobs, { recursive: true });
  const write = async (text: string, mediaType: string): Promise<Descriptor> => {
    const bytes = new TextEncoder().encode(text);
    const digest = await sha256(bytes);
    await Deno.writeFile(`${blobs}/${digest}`, bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const described: Descriptor[] = [];
  for (const { gzip } of layers) {
    const digest = await sha256(await Deno.readFile(gzip));
    await Deno.copyFile(gzip, `${blobs}/${digest}`);
    const { size } = await Deno.stat(gzip);
    described.push({ mediaType: TYPES.layer, digest: `sha256:${digest}`, size });
  }
  const manifest = await write(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: TYPES.manifest,
      config: await write(config, TYPES.config),
      layers: described,
      annotations,
    }),
    TYPES.manifest,
  );
  const index = {
    schemaVersion: 2,
    mediaType: TYPES.index,
    manifests: [{
      ...manifest,
      platform: { architecture: imageArchitecture(), os: "linux" },
      annotations: { "org.opencontainers.image.ref.name": version },
    }],
  };
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify(index));
  await Deno.writeTextFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  return manifest.digest;
}

/**
 * Writes the image as `docker save` does, which `docker load` and `podman load` take. Podman knows a
 * check of health only from this format. The layers in it are compressed, not the whole: Podman 4.3
 * does not load an archive that is.
 *
 * @param options.work An empty directory.
 */
export async function writeArchive(
  output: string,
  image: Image,
  { work }: { work: string },
): Promise<void> {
  const { config, layers, reference, date } = image;
  const name = `${await sha256(new TextEncoder().encode(config))}.json`;
  const names: string[] = [];
  for (const { gzip } of layers) {
    const layer = `${await sha256(await Deno.readFile(gzip))}.tar.gz`;
    await Deno.copyFile(gzip, `${work}/${layer}`);
    names.push(layer);
  }
  const manifest = [{ Config: name, RepoTags: [reference], Layers: names }];
  await Deno.writeTextFile(`${work}/manifest.json`, JSON.stringify(manifest));
  await Deno.writeTextFile(`${work}/${name}`, config);
  for (const file of ["manifest.json", name, ...names]) await Deno.chmod(`${work}/${file}`, 0o644);
  // The small files come first: who looks for the manifest need not read all of it.
  await archive(output, { folder: work, paths: ["manifest.json", name, ...names], date });
}

/** The SHA-256 of something, in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
