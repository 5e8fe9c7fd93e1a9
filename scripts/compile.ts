import { resolve } from "node:path";
import { bundle, BundleError, type Parts, SOURCES } from "./bundle.ts";
import { deno } from "./deno.ts";
import { readFlags } from "./flags.ts";
import project from "../deno.json" with { type: "json" };

/** What {@linkcode compile} makes. */
export interface CompileOptions {
  /** The file to write. */
  output: string;
  /** The platform, as `deno compile --target` names it; this machine's if absent. */
  target?: string | undefined;
  /** Whether the binary may not run programs, which `exec:` and services with processes need. */
  withoutRun?: boolean;
  /** The file with the runtime of another platform; downloaded if absent. */
  runtime?: string | undefined;
  /** Whether what the compiler says goes into the error instead of onto the screen. */
  quiet?: boolean;
}

/** Why a binary could not be made, in one line. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/**
 * Makes the standalone binary with the Deno that runs this script, with the program's permissions
 * baked in.
 *
 * It is made of the bundled modules, or of the modules as they are where there is no bundler.
 *
 * @throws {CompileError} If the runtime cannot be had, or the binary does not start.
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { target = Deno.build.target, withoutRun = false, runtime, quiet = false } = options;
  const output = resolve(options.output);
  const folder = await Deno.makeTempDir();
  try {
    // The name of the folder is a part of the binary.
    const parts = await bundle(`${folder}/iawlb`).catch((error: Error) => {
      if (!(error instanceof BundleError)) throw error;
      console.error(`not bundled, the binary will take longer to start: ${error.message}`);
      return SOURCES;
    });
    await compileParts(parts, { output, target, withoutRun, runtime, quiet });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (target === Deno.build.target) await assertStarts(output);
}

async function compileParts(
  { folder, main, others }: Parts,
  { output, target, withoutRun, runtime, quiet }:
    & Required<Pick<CompileOptions, "output" | "target" | "withoutRun" | "quiet">>
    & Pick<CompileOptions, "runtime">,
): Promise<void> {
  const foreign = target !== Deno.build.target;
  const flags = others.flatMap((path) => ["--include", path]);
  if (foreign) flags.push("--target", target);
  // The code cache would be a file of a foreseeable name in the folder for temporary files, with code
  // that the binary runs: whoever else may write there could have theirs run.
  const result = await deno(
    [
      "compile",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "--no-code-cache",
      // So that it can give memory back when it has become quiet.
      "--v8-flags=--expose-gc",
      ...(withoutRun ? permissionsWithout("run") : ["-P"]),
      ...flags,
      "--output",
      output,
      main,
    ],
    // DENORT_BIN is a runtime of this platform: it would make a wrong binary for any other.
    {
      cwd: folder,
      stderr: quiet ? "piped" : "inherit",
      without: foreign ? ["DENORT_BIN"] : [],
      env: runtime ? { DENORT_BIN: resolve(runtime) } : {},
    },
  );
  if (result.success) return;
  if (quiet) throw new CompileError(reasonIn(new TextDecoder().decode(result.stderr)));
  throw new CompileError(
    `deno compile failed, see above; where the runtime of Deno ${Deno.version.deno} cannot be ` +
      "downloaded, DENORT_BIN may name a denort file of exactly that version",
  );
}

/** What the compiler has said of its failure, in one line. */
function reasonIn(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.findIndex((line) => line.startsWith("error:"));
  const causes = lines.slice(Math.max(error, 0)).filter((line) => /^(error:|\d+:)/.test(line));
  const told = causes.map((line) => line.replace(/^(error|\d+): */, "")).join(": ");
  return `deno compile failed: ${told || lines.at(-1) || "without a word"}`;
}

/** The program's permissions but for one, as flags. */
function permissionsWithout(left: keyof typeof project.permissions.default): string[] {
  return Object.entries(project.permissions.default).flatMap(([name, value]) => {
    if (name === left || value === false) return [];
    return [Array.isArray(value) ? `--allow-${name}=${value.join(",")}` : `--allow-${name}`];
  });
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
  const { output, target, without } = readFlags("compile", ["output", "target", "without"]);
  if (without !== undefined && without !== "run") {
    console.error(`compile: --without ${without}: must be run`);
    Deno.exit(2);
  }
  const file = output ?? "iawlb";
  try {
    await compile({ output: file, target, withoutRun: without === "run" });
    console.log(`${file}: ${await sizeOf(file)}`);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(`compile: ${error.message}`);
    Deno.exit(1);
  }
}
