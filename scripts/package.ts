import project from "../deno.json" with { type: "json" };
import { compile, sizeOf } from "./compile.ts";
import { readFlags } from "./flags.ts";
import { architecture, makeDeb } from "./packaging/deb.ts";
import { makeTarball } from "./packaging/tarball.ts";
import type { Release } from "./packaging/tree.ts";
import { reasonOf } from "./reason.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** Options of {@linkcode makePackages}. */
export interface PackageOptions {
  /** Where the packages go: `dist` beside the sources if absent. */
  output?: string | undefined;
  /** The standalone binary; it is compiled if absent. */
  binary?: string | undefined;
  /** Which packages; both if absent. */
  kinds?: readonly ("deb" | "tar.gz")[];
  /** How hard they are compressed, from 1 to 9; 9 takes most of a minute. */
  level?: number;
}

/**
 * Makes the Debian package and the tar.gz for this machine's kind of machine.
 *
 * Their times are `SOURCE_DATE_EPOCH`, or the time of the latest commit.
 *
 * @returns Their paths.
 * @throws {CompileError} If there is no binary and none can be made.
 */
export async function makePackages(options: PackageOptions = {}): Promise<string[]> {
  const { output = `${ROOT}dist`, kinds = ["deb", "tar.gz"], level = 9 } = options;
  await Deno.mkdir(output, { recursive: true });
  const work = await Deno.makeTempDir({ prefix: "iawlb-package-" });
  try {
    const binary = options.binary ? await Deno.realPath(options.binary) : `${work}/iawlb`;
    if (!options.binary) await compile({ output: binary });
    const { version } = project;
    const release: Release = { version, date: await releaseDate(), binary };
    const paths: string[] = [];
    if (kinds.includes("deb")) {
      const path = `${output}/iawlb_${version}_${architecture()}.deb`;
      await Deno.mkdir(`${work}/deb`);
      await makeDeb(release, { work: `${work}/deb`, output: `${path}.part`, level });
      await Deno.rename(`${path}.part`, path);
      paths.push(path);
    }
    if (kinds.includes("tar.gz")) {
      const name = `iawlb-${version}-linux-${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`;
      const path = `${output}/${name}.tar.gz`;
      await Deno.mkdir(`${work}/tar`);
      await makeTarball(release, { work: `${work}/tar`, output: `${path}.part`, name, level });
      await Deno.rename(`${path}.part`, path);
      paths.push(path);
    }
    return paths;
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/**
 * When what is made was made: `SOURCE_DATE_EPOCH`, or the time of the latest commit.
 *
 * @throws {Error} If neither is known.
 */
export async function releaseDate(): Promise<Date> {
  const given = Deno.env.get("SOURCE_DATE_EPOCH");
  if (given) return new Date(Number(given) * 1000);
  const { success, stdout } = await new Deno.Command("git", {
    args: ["log", "-1", "--format=%ct"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  if (!success) {
    throw new Error("this is no checkout: SOURCE_DATE_EPOCH has to say when it was made");
  }
  return new Date(Number(new TextDecoder().decode(stdout)) * 1000);
}

if (import.meta.main) {
  const { output, binary } = readFlags("package", ["output", "binary"]);
  try {
    for (const path of await makePackages({ output, binary })) {
      console.log(`${path}: ${await sizeOf(path)}`);
    }
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound && /dpkg-deb/.test(error.message)
      ? "a Debian package needs dpkg-deb, which is not installed"
      : reasonOf(error);
    if (reason === undefined) throw error;
    console.error(`package: ${reason}`);
    Deno.exit(1);
  }
}
