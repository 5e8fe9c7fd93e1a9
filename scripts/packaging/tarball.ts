import { run } from "./run.ts";
import { plant, type Release } from "./tree.ts";

/**
 * Makes a tar.gz of everything that is installed, below one directory, the same bytes each time.
 *
 * @param options.work An empty directory.
 * @param options.name Of the directory in it.
 * @param options.level How hard it is compressed, from 1 to 9.
 */
export async function makeTarball(
  release: Release,
  { work, output, name, level }: { work: string; output: string; name: string; level: number },
): Promise<void> {
  await Deno.mkdir(`${work}/${name}`);
  await plant(`${work}/${name}`, release);
  const tar = `${work}/archive.tar`;
  await archive(tar, { folder: work, paths: [name], date: release.date });
  await Deno.copyFile(await compress(tar, level), output);
}

/**
 * Makes a tar, or appends to one: the same bytes each time, whoever makes it and when.
 *
 * @param options.paths What of the folder.
 * @param options.owner The number of the user and of the group that all of it is given to: root's
 * unless given.
 * @param options.append Whether the tar is there already.
 */
export async function archive(
  tar: string,
  options: {
    folder: string;
    paths: readonly string[];
    date: Date;
    owner?: number;
    append?: boolean;
  },
): Promise<void> {
  const { folder, paths, date, owner = 0, append = false } = options;
  await run("tar", {
    args: [
      "--sort=name",
      `--mtime=@${date.getTime() / 1000}`,
      `--owner=${owner}`,
      `--group=${owner}`,
      "--numeric-owner",
      "--format=ustar",
      `--file=${tar}`,
      append ? "--append" : "--create",
      ...paths,
    ],
    cwd: folder,
  });
}

/** Compresses a file, the same bytes each time, and returns the new one's path. */
export async function compress(file: string, level: number): Promise<string> {
  await run("gzip", { args: [`-${level}`, "--no-name", file] });
  return `${file}.gz`;
}
