import { parseArgs } from "@std/cli/parse-args";
import project from "../deno.json" with { type: "json" };
import { compile, CompileError, type CompileOptions, sizeOf } from "./compile.ts";

/** The platforms that `deno compile` has runtimes for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

const DIST = "dist";

const HELP = `deno run -A scripts/compile_all.ts [OPTIONS]

Makes dist/iawlb-VERSION-TARGET for each target, and dist/SHA256SUMS.

  --target TARGET  only this one; may be given several times: ${TARGETS.join(", ")}
  --skip-missing   a target whose runtime cannot be had is no failure, unless none is left

A runtime that cannot be downloaded may be a file: DENORT_BIN_TARGET, such as
DENORT_BIN_AARCH64_UNKNOWN_LINUX_GNU, is a denort for that platform of exactly the version of this Deno.
The status is 0 if all were made, 1 if not, 2 for a mistake in the options.
`;

/** What {@linkcode compileAll} works with. */
export interface CompileAllOptions {
  readonly targets: readonly string[];
  /** The folder for the binaries and their sums. */
  readonly dist: string;
  /** Where runtimes are that are not to be downloaded. */
  readonly env: Readonly<Record<string, string | undefined>>;
  compile(options: CompileOptions): Promise<void>;
  tell(line: string): void;
}

/**
 * Makes a binary for each target whose runtime can be had, and their sums. The others are told in one
 * line each.
 *
 * @returns How many targets are missing.
 */
export async function compileAll(
  { targets, dist, env, compile, tell }: CompileAllOptions,
): Promise<number> {
  await Deno.mkdir(dist, { recursive: true });
  const sums: string[] = [];
  for (const target of targets) {
    const name = nameOf(target);
    const output = `${dist}/${name}`;
    try {
      await compile({ output, target, runtime: runtimeFor(target, env), quiet: true });
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      // One of a version before must not be taken for it.
      await Deno.remove(output).catch(() => {});
      tell(`${target}: skipped, ${error.message}`);
      continue;
    }
    tell(`${output}: ${await sizeOf(output)}`);
    sums.push(`${await sha256(output)}  ${name}\n`);
  }
  await Deno.writeTextFile(`${dist}/SHA256SUMS`, sums.join(""));
  return targets.length - sums.length;
}

function nameOf(target: string): string {
  return `iawlb-${project.version}-${target}${target.includes("windows") ? ".exe" : ""}`;
}

/**
 * The file with the runtime for a target; `undefined` if it is to be downloaded.
 *
 * @throws {CompileError} If there is no such file.
 */
function runtimeFor(target: string, env: CompileAllOptions["env"]): string | undefined {
  const name = `DENORT_BIN_${target.toUpperCase().replaceAll("-", "_")}`;
  const path = env[name] || undefined;
  if (path === undefined) return undefined;
  try {
    if (Deno.statSync(path).isFile) return path;
  } catch {
    // Whatever it is, it is no file that can be read.
  }
  throw new CompileError(`${name} is ${path}, where there is no file`);
}

async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

async function main(): Promise<number> {
  const problems: string[] = [];
  const { help, target: chosen, "skip-missing": skips } = parseArgs(Deno.args, {
    string: ["target"],
    collect: ["target"],
    boolean: ["help", "skip-missing"],
    unknown: (arg) => {
      problems.push(`${arg}: no such option, see --help`);
      return false;
    },
  }) as unknown as { help: boolean; target: string[]; "skip-missing": boolean };
  for (const one of chosen) {
    const known = (TARGETS as readonly string[]).includes(one);
    if (!known) problems.push(`--target ${one}: must be one of ${TARGETS.join(", ")}`);
  }
  if (problems.length > 0) {
    console.error(`compile_all: ${problems[0]}`);
    return 2;
  }
  if (help) {
    console.log(HELP);
    return 0;
  }
  Deno.chdir(new URL("..", import.meta.url));
  const targets = chosen.length > 0 ? chosen : TARGETS;
  const tell = (line: string) => console.log(line);
  const missing = await compileAll({
    targets,
    dist: DIST,
    env: Deno.env.toObject(),
    compile,
    tell,
  });
  return missing === 0 || (skips && missing < targets.length) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
