import { parseArgs } from "@std/cli/parse-args";
import { programLock } from "./lock.ts";

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
 * @throws {CompileError} If there is no runtime for it, or the binary does not start.
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { output, target = Deno.build.target } = options;
  const foreign = target !== Deno.build.target;
  // DENORT_BIN is a runtime of this platform: it would make a wrong binary for any other.
  const { DENORT_BIN: _, ...otherEnv } = Deno.env.toObject();
  const flags = foreign ? ["--target", target] : [];
  const lock = await Deno.makeTempFile({ suffix: ".lock" });
  await Deno.writeTextFile(lock, await programLock(ROOT));
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "-P",
      "--include",
      "src/thread.ts",
      "--include",
      "src/admin/page",
      "--lock",
      lock,
      ...flags,
      "--output",
      output,
      "main.ts",
    ],
    cwd: ROOT,
    ...(foreign && { clearEnv: true, env: otherEnv }),
  });
  const { success } = await command.spawn().status.finally(() => Deno.remove(lock));
  if (!success) {
    throw new CompileError(
      `deno compile failed, see above; where the runtime of Deno ${Deno.version.deno} cannot be ` +
        "downloaded, DENORT_BIN may name a denort file of exactly that version",
    );
  }
  if (!foreign) await assertStarts(output);
}

/** A runtime of another version than the compiler makes a binary that fails when it starts. */
async function assertStarts(output: string): Promise<void> {
  const path = await Deno.realPath(`${ROOT}/${output}`).catch(() => Deno.realPath(output));
  const { success } = await new Deno.Command(path, {
    args: ["--version"],
    stdout: "null",
    stderr: "null",
  }).output();
  if (success) return;
  await Deno.remove(path);
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
