import project from "../deno.json" with { type: "json" };
import { deno } from "./deno.ts";

const ROOT = new URL("..", import.meta.url).pathname;

/** What goes into a binary: a folder and what of it. */
export interface Parts {
  folder: string;
  main: string;
  /** What is needed beside the modules that others import. */
  others: string[];
}

/** The program as it is. */
export const SOURCES: Parts = {
  folder: ROOT,
  main: "main.ts",
  others: ["src/threads/thread_main.ts", "src/config/reader_thread.ts", "src/admin/dashboard/page"],
};

/** What runs in threads of its own, which are found by their names. */
const THREADS = ["threads/thread_main", "config/reader_thread"];

/** Why the modules could not be bundled, in one line. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

/**
 * Writes what the program consists of into a new folder: its modules in a few files of JavaScript,
 * the files of the dashboard, the permissions.
 *
 * Reading few files instead of many makes the binary start in two thirds of the time, and what of the
 * packages nobody uses is left out. The same sources make the same bytes.
 *
 * @throws {BundleError} If the bundler cannot be had, which is a download, or fails.
 */
export async function bundle(
  folder: string,
  { env = {} }: { env?: Readonly<Record<string, string>> } = {},
): Promise<Parts> {
  const entries = ["main.ts", ...THREADS.map((name) => `src/${name}.ts`)];
  const args = ["bundle", "--quiet", "--code-splitting", "--outdir", folder, ...entries];
  const { success, stderr } = await deno(args, { cwd: ROOT, stderr: "piped", env });
  if (!success) {
    const [, why] = /^error: (.*)/m.exec(new TextDecoder().decode(stderr)) ?? [];
    throw new BundleError(`deno bundle failed: ${why}`);
  }
  // Found from the modules where they are in the sources, too.
  for (const path of THREADS) {
    const name = path.replace(/^.*\//, "");
    await Deno.writeTextFile(`${folder}/${name}.ts`, `import "./src/${path}.js";\n`);
  }
  await copyFolder(`${ROOT}/src/admin/dashboard/page`, `${folder}/page`);
  const { permissions, unstable } = project;
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ permissions, unstable }));
  await forgetTimes(folder);
  return { folder, main: "main.js", others: ["."] };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Gives all files the same time, which is a part of the binary: the same sources, the same bytes. */
async function forgetTimes(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await forgetTimes(path);
    else await Deno.utime(path, 0, 0);
  }
}
