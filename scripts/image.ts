import project from "../deno.json" with { type: "json" };
import { compile, sizeOf } from "./compile.ts";
import { readFlags } from "./flags.ts";
import { configuration, imageArchitecture, labels } from "./image/configuration.ts";
import { makeLayers } from "./image/layers.ts";
import { type Image, sha256, writeArchive, writeLayout } from "./image/layout.ts";
import { ImageError } from "./image/libraries.ts";
import { releaseDate } from "./package.ts";
import type { Release } from "./packaging/tree.ts";
import { reasonOf } from "./reason.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** What engines take as the name of an image: a registry if it has a dot or a port, and folders. */
const NAME = /^(?:[a-zA-Z\d.-]+(?::\d+)?\/)?[a-z\d]+(?:[._/-]+[a-z\d]+)*$/;

/** Options of {@linkcode makeImage}. */
export interface ImageOptions {
  /** Where the image goes: `dist` beside the sources if absent. */
  output?: string | undefined;
  /** The standalone binary; it is compiled if absent. */
  binary?: string | undefined;
  /** What an engine calls it once it is loaded, without the version; `localhost/iawlb` if absent. */
  name?: string | undefined;
  /** How hard it is compressed, from 1 to 9. */
  level?: number;
}

/** Where an image was written. */
export interface MadeImage {
  /** A directory: a layout of the OCI specification. */
  readonly layout: string;
  /** A file for `docker load` and `podman load`. */
  readonly archive: string;
  /** What it is called when it is loaded. */
  readonly reference: string;
  /** The digest of its manifest: `sha256:…`. */
  readonly digest: string;
}

/**
 * Makes an image for containers of the program, and of what this machine has that it needs, without
 * an engine. The same program and machine make the same bytes.
 *
 * Its time is `SOURCE_DATE_EPOCH`, or the time of the latest commit.
 *
 * @throws {CompileError} If there is no binary and none can be made.
 * @throws {ImageError} If this machine lacks something.
 */
export async function makeImage(options: ImageOptions = {}): Promise<MadeImage> {
  const { output = `${ROOT}dist`, name = "localhost/iawlb", level = 9 } = options;
  await Deno.mkdir(output, { recursive: true });
  const work = await Deno.makeTempDir({ prefix: "iawlb-image-" });
  try {
    const binary = options.binary ? await Deno.realPath(options.binary) : `${work}/iawlb`;
    if (!options.binary) await compile({ output: binary });
    const { version } = project;
    await assertProgram(binary, version);
    const release: Release = { version, date: await releaseDate(), binary };
    await Deno.mkdir(`${work}/layers`);
    const { layers, files } = await makeLayers(release, { work: `${work}/layers`, level });
    const annotations = labels(release, files);
    const named = await Promise.all(layers.map(async ({ title, date, tar }) => {
      return { title, date, diffId: `sha256:${await sha256(await Deno.readFile(tar))}` };
    }));
    const reference = `${name}:${version}`;
    const config = JSON.stringify(configuration(release, { layers: named, labels: annotations }));
    const image: Image = { config, layers, annotations, version, reference, date: release.date };
    const stem = `${output}/iawlb-${version}-linux-${imageArchitecture()}`;
    const layout = `${stem}.oci`;
    const archive = `${stem}.image.tar`;
    await Deno.mkdir(`${work}/archive`);
    const parts = { layout: `${layout}.part`, archive: `${archive}.part` };
    await removeAll(Object.values(parts));
    try {
      const digest = await writeLayout(parts.layout, image);
      await writeArchive(parts.archive, image, { work: `${work}/archive` });
      // What was there stays until all is written: the disk may be full before.
      await removeAll([layout]);
      await Deno.rename(parts.layout, layout);
      await Deno.rename(parts.archive, archive);
      return { layout, archive, reference, digest };
    } finally {
      await removeAll(Object.values(parts));
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Nothing else is called by the name and the version of the program. */
async function assertProgram(binary: string, version: string): Promise<void> {
  const command = new Deno.Command(binary, { args: ["--version"], stderr: "null" });
  const { stdout } = await command.output();
  if (new TextDecoder().decode(stdout) === `iawlb ${version}\n`) return;
  throw new ImageError(`${binary}: is not iawlb ${version}, as its --version would say`);
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path, { recursive: true }).catch((error: Error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Ends the script: it was called wrongly. */
function refuse(complaint: string): never {
  console.error(`image: ${complaint}`);
  Deno.exit(2);
}

if (import.meta.main) {
  const { level, ...options } = readFlags("image", ["output", "binary", "name", "level"]);
  if (level !== undefined && !/^[1-9]$/.test(level)) {
    refuse(`--level ${level}: must be from 1, which is fast, to 9, which is small`);
  }
  if (options.name !== undefined && !NAME.test(options.name)) {
    refuse(
      `--name ${options.name}: must be a name in lower case without a version, such as ` +
        "registry.example.com/iawlb",
    );
  }
  try {
    const made = await makeImage({ ...options, ...level && { level: Number(level) } });
    const { layout, archive, reference, digest } = made;
    console.log(`${layout}: ${digest}`);
    console.log(`${archive}: ${await sizeOf(archive)}, loaded as ${reference}`);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    console.error(`image: ${reason}`);
    Deno.exit(1);
  }
}
