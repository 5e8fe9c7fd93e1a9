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
  await run("tar", {
    args: [
      "--sort=name",
      `--mtime=@${release.date.getTime() / 1000}`,
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--format=ustar",
      `--file=${tar}`,
      "--create",
      name,
    ],
    cwd: work,
  });
  await run("gzip", { args: [`-${level}`, "--no-name", tar] });
  await Deno.copyFile(`${tar}.gz`, output);
}
