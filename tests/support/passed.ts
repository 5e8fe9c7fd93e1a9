import { Program, type Result, runProgram } from "./program.ts";

const HARNESS = new URL("./pass_sockets.py", import.meta.url).pathname;

/** What is passed, and what is said of it; see `pass_sockets.py`. */
export interface Passing {
  readonly sockets: readonly string[];
  readonly fds?: string;
  readonly pid?: string;
  readonly names?: string;
  /** How often the program runs, one after the other, while the sockets stay open. */
  readonly runs?: number;
}

/** Starts the program with passed sockets and waits until it listens. */
export async function startPassed(passing: Passing, args: readonly string[]): Promise<Program> {
  const program = launchPassed(passing, args);
  try {
    await program.logged(/listening on /);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return program;
}

/** Starts the program with passed sockets and waits for nothing. */
export function launchPassed(passing: Passing, args: readonly string[]): Program {
  return Program.launch(args, wordsOf(passing));
}

/** Runs the program with passed sockets to its end. */
export async function runPassed(passing: Passing, args: readonly string[]): Promise<Result> {
  return await runProgram(args, wordsOf(passing));
}

/** What takes the place of the shell that would start the program. */
function wordsOf({ sockets, ...said }: Passing): string {
  const options = Object.entries(said).flatMap(([name, value]) => [`--${name}`, `'${value}'`]);
  return ["exec python3", HARNESS, ...options, ...sockets, '-- "$@"'].join(" ");
}
