import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "node:path";
import project from "../deno.json" with { type: "json" };

const ROOT = new URL("..", import.meta.url).pathname;

/** What {@linkcode compile} makes. */
export interface CompileOptions {
  /** The file to write. */
  output: string;
  /** The platform, as `deno compile --target` names it; this machine's if absent. */
  target?: string | undefined;
}

/** Why a binary could not be made, in one line. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/**
 * Makes the standalone binary with the Deno that runs this script, with the program's permissions
 * baked in.
 *
 * The modules are bundled first: reading a handful of files instead of two hundred makes the binary
 * start in three quarters of the time, and leaves out what of the packages nobody uses. Where the
 * bundler cannot be had, which is a download, the modules go into the binary as they are.
 *
 * @throws {CompileError} If the runtime cannot be had, or the binary does not start.
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { target = Deno.build.target } = options;
  const output = resolve(options.output);
  const folder = await Deno.makeTempDir();
  try {
    // The name of the folder is a part of the binary.
    const parts = await bundle(`${folder}/iawlb`) ?? SOURCES;
    await compileParts(parts, { output, target });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (target === Deno.build.target) await assertStarts(output);
}

/** What goes into a binary: a folder and what of it. */
interface Parts {
  folder: string;
  main: string;
  /** What is needed beside the modules that others import. */
  others: string[];
}

const SOURCES: Parts = {
  folder: ROOT,
  main: "main.ts",
  others: ["src/thread.ts", "src/admin/page"],
};

/** Writes what the program consists of: JavaScript, the files of the dashboard, the permissions. */
async function bundle(folder: string): Promise<Parts | undefined> {
  const entries = ["main.ts", "src/thread.ts"];
  const args = ["bundle", "--quiet", "--code-splitting", "--outdir", folder, ...entries];
  const { success, stderr } = await deno(args, { cwd: ROOT, stderr: "piped" });
  if (!success) {
    const [, why] = /^error: (.*)/m.exec(new TextDecoder().decode(stderr)) ?? [];
    console.error(`not bundled, the binary will take longer to start: deno bundle failed: ${why}`);
    return undefined;
  }
  // Found from the modules where they are in the sources, too.
  await Deno.writeTextFile(`${folder}/thread.ts`, 'import "./src/thread.js";\n');
  await copyFolder(`${ROOT}/src/admin/page`, `${folder}/page`);
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

async function compileParts(
  { folder, main, others }: Parts,
  { output, target }: { output: string; target: string },
): Promise<void> {
  const foreign = target !== Deno.build.target;
  const flags = others.flatMap((path) => ["--include", path]);
  if (foreign) flags.push("--target", target);
  const { success } = await deno(
    ["compile", "--quiet", "--no-check", "-P", ...flags, "--output", output, main],
    // DENORT_BIN is a runtime of this platform: it would make a wrong binary for any other.
    { cwd: folder, stderr: "inherit", without: foreign ? ["DENORT_BIN"] : [] },
  );
  if (success) return;
  throw new CompileError(
    `deno compile failed, see above; where the runtime of Deno ${Deno.version.deno} cannot be ` +
      "downloaded, DENORT_BIN may name a denort file of exactly that version",
  );
}

/** Runs a command of the Deno that runs this script. */
async function deno(
  args: string[],
  options: { cwd: string; stderr: "piped" | "inherit"; without?: string[] },
): Promise<Deno.CommandOutput> {
  const { without = [], ...rest } = options;
  // Downloads work behind a proxy with a certificate of its own as well.
  const env: Record<string, string> = {
    DENO_TLS_CA_STORE: "system,mozilla",
    ...Deno.env.toObject(),
    NO_COLOR: "1",
  };
  for (const name of without) delete env[name];
  const command = { args, clearEnv: true, env, ...rest } as const;
  return await new Deno.Command(Deno.execPath(), command).output();
}

/** A runtime of another version than the compiler makes a binary that fails when it starts. */
async function assertStarts(output: string): Promise<void> {
  const { success } = await new Deno.Command(output, {
    args: ["--version"],
    stdout: "null",
    stderr: "null",
  }).output();
  if (success) return;
  await Deno.remove(output);
  throw new CompileError(
    "the binary does not start and was removed: the runtime that DENORT_BIN names must be of " +
      `exactly the version of this Deno, ${Deno.version.deno}`,
  );
}

/** The size of a file for people, in MiB. */
export async function sizeOf(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  return `${(size / 2 ** 20).toFixed(1)} MiB`;
}

if (import.meta.main) {
  const { output, target } = parseArgs(Deno.args, { string: ["output", "target"] }) as {
    output?: string;
    target?: string;
  };
  const file = output ?? "iawlb";
  try {
    await compile({ output: file, target });
    console.log(`${file}: ${await sizeOf(file)}`);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(`compile: ${error.message}`);
    Deno.exit(1);
  }
}
