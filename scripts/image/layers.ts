import { archive, compress } from "../packaging/tarball.ts";
import { copyright, type Release } from "../packaging/tree.ts";
import { licenceOf, neededFiles, type SystemFile } from "./libraries.ts";

const LICENCE = new URL("../../LICENSE", import.meta.url).pathname;

/** Who the program runs as: a number beyond those that machines give to people and services. */
export const USER = 65532;

/** The socket of the admin API is here, as in the package; the user's own. */
const SOCKETS = "run/iawlb";

/**
 * What there is of a system beside libraries. Names are looked up as on any machine: first in the
 * file that the engine writes, then by the name servers that it names.
 */
const SYSTEM: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/:/sbin/nologin\niawlb:x:${USER}:${USER}:iawlb:/:/sbin/nologin\n`,
  "etc/group": `root:x:0:\niawlb:x:${USER}:\n`,
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
};

/** A layer of an image, compressed. */
export interface Layer {
  /** What it is, for people. */
  readonly title: string;
  /** The tar as it is, and compressed. */
  readonly tar: string;
  readonly gzip: string;
  readonly date: Date;
}

/**
 * Makes the layers of the image: below, what hardly ever changes, and has no time therefore, so that
 * the next release shares it; above it the program.
 *
 * @param options.work An empty directory.
 * @param options.level How hard they are compressed, from 1 to 9.
 */
export async function makeLayers(
  release: Release,
  { work, level }: { work: string; level: number },
): Promise<{ layers: Layer[]; files: SystemFile[] }> {
  const files = await neededFiles(release.binary);
  const system = `${work}/system`;
  for (const [path, text] of Object.entries(SYSTEM)) await write(`${system}/${path}`, text);
  for (const { path, source } of files) {
    for (const one of [path, licenceOf(source)]) await copy(one, `${system}${one}`);
  }
  for (const path of ["etc/iawlb", "tmp"]) await Deno.mkdir(`${system}/${path}`);
  await settle(system);
  await Deno.chmod(`${system}/tmp`, 0o1777);
  const own = `${work}/own`;
  await Deno.mkdir(`${own}/${SOCKETS}`, { recursive: true });
  await settle(own);
  await Deno.chmod(`${own}/${SOCKETS}`, 0o750);
  const program = `${work}/program`;
  await copy(release.binary, `${program}/usr/bin/iawlb`);
  const licence = copyright(await Deno.readTextFile(LICENCE));
  await write(`${program}${licenceOf("iawlb")}`, licence);
  await settle(program);

  const never = new Date(0);
  const below = `${work}/system.tar`;
  await archive(below, { folder: system, paths: await names(system), date: never });
  const appended = { folder: own, date: never, append: true };
  await archive(below, { ...appended, paths: ["--no-recursion", "run"] });
  await archive(below, { ...appended, paths: [SOCKETS], owner: USER });
  const above = `${work}/program.tar`;
  await archive(above, { folder: program, paths: await names(program), date: release.date });
  const layers = [
    await layerOf(below, { title: "the C library and what the program needs", date: never, level }),
    await layerOf(above, { title: `iawlb ${release.version}`, date: release.date, level }),
  ];
  return { layers, files };
}

async function layerOf(
  tar: string,
  { title, date, level }: { title: string; date: Date; level: number },
): Promise<Layer> {
  const copied = `${tar}.copy`;
  await Deno.copyFile(tar, copied);
  return { title, tar, date, gzip: await compress(copied, level) };
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Copies a file, or what it is a link to. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to.replace(/[^/]*$/, ""), { recursive: true });
  await Deno.copyFile(from, to);
}

/** Gives everything below a directory the same rights, whatever the umask and the sources were. */
async function settle(path: string): Promise<void> {
  const { isDirectory } = await Deno.lstat(path);
  if (isDirectory) {
    for await (const { name } of Deno.readDir(path)) await settle(`${path}/${name}`);
  }
  const executable = isDirectory || /\/(?:iawlb|ld-[^/]*\.so[^/]*)$/.test(path);
  await Deno.chmod(path, executable ? 0o755 : 0o644);
}
