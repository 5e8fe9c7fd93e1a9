import type { AccessRecord } from "../../src/logging/access_format.ts";
import { freePort, until } from "./servers.ts";

/** The standalone binary under test; without it the sources run under this Deno. */
const BINARY = Deno.env.get("IAWLB_BINARY");
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** How to start the program; `limit` is a shell command that runs in the same process before. */
function command(args: readonly string[], limit?: string): Deno.Command {
  const options = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const line = [...programLine(), ...args];
  if (limit) line.unshift("sh", "-c", `${limit}; exec "$@"`, "sh");
  return new Deno.Command(line[0]!, { ...options, args: line.slice(1) });
}

/** The words that start the program, for others that do. */
export function programLine(): string[] {
  return BINARY ? [BINARY] : [Deno.execPath(), "run", "--quiet", "--no-prompt", "-P", MAIN];
}

/** How long a program may take to its end, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Waits for an end; after a while the program is killed, and then that is what was wrong. */
async function statusOf(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, PATIENCE_MS);
  const status = await child.status;
  clearTimeout(timer);
  if (late) throw new Error(`the program did not end within ${PATIENCE_MS / 1000} s`);
  return status;
}

/** What a run that ended by itself has left. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end. */
export async function runProgram(args: readonly string[], limit?: string): Promise<Result> {
  const child = command(args, limit).spawn();
  const [{ code }, stdout, stderr] = await Promise.all([
    statusOf(child),
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  return { code, stdout, stderr };
}

/** The program as a child process, listening on loopback. */
export class Program implements AsyncDisposable {
  port = 0;
  /** Lines of standard error so far: the log. */
  readonly log: string[] = [];
  /** Lines of standard output so far: the access log. */
  readonly out: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #outputs: Promise<void>;
  #exited = false;
  #ended = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;

    this.#outputs = Promise.all([
      collect(child.stderr, this.log),
      collect(child.stdout, this.out),
    ]).then(() => {});
    Promise.all([child.status, this.#outputs]).then(() => this.#exited = true);
  }

  /** Starts it with these options and destinations and waits until it listens. */
  static async start(
    destinations: readonly string[],
    options: readonly string[] = [],
    limit?: string,
  ): Promise<Program> {
    return await Program.spawn([
      ...options,
      "--log-format",
      "json",
      `127.0.0.1:${freePort()}`,
      ...destinations,
    ], limit);
  }

  /** Starts it with exactly these arguments and waits for nothing. */
  static launch(args: readonly string[], limit?: string): Program {
    return new Program(command(args, limit).spawn());
  }

  /** Starts it with exactly these arguments and waits until it listens. */
  static async spawn(args: readonly string[], limit?: string): Promise<Program> {
    const program = Program.launch(args, limit);
    try {
      const line = await program.logged(/listening on /);
      program.port = Number(/listening on \S*?:(\d+) /.exec(line)?.[1] ?? 0);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return program;
  }

  /** Whether it has ended. */
  get exited(): boolean {
    return this.#exited;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The first line of the log that matches, as soon as it is there. */
  async logged(pattern: RegExp, timeout?: number): Promise<string> {
    const find = () => this.log.find((line) => pattern.test(line));
    await until(() => find() !== undefined || this.#exited, `the log has ${pattern}`, timeout);
    const line = find();
    if (line === undefined) {
      throw new Error(`the program ended without logging ${pattern}:\n${this.log.join("\n")}`);
    }
    return line;
  }

  /** The access log so far. */
  access(): AccessRecord[] {
    return this.out.map((line) => JSON.parse(line));
  }

  /** The access log once it has this many entries. */
  async entries(number: number): Promise<AccessRecord[]> {
    await until(() => this.out.length >= number, `the access log has ${number} entries`);
    return this.access();
  }

  /** What SIGUSR1 makes it log. */
  // deno-lint-ignore no-explicit-any -- tests pick what they look at
  async status(): Promise<any> {
    const before = this.log.length;
    this.signal("SIGUSR1");
    const find = () => this.log.slice(before).find((line) => line.includes("status: "));
    await until(() => find() !== undefined, "the status is in the log");
    return JSON.parse(JSON.parse(find()!).status);
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end, looks at its totals and returns the exit status. */
  async ended(): Promise<number> {
    const { code } = await statusOf(this.#child);
    await this.#outputs;
    this.#ended = true;
    this.#audit();
    return code;
  }

  /** What must hold at every end: the totals add up and nothing was a defect. */
  #audit(): void {
    const defects = this.log.filter((line) => line.includes("defect"));
    if (defects.length > 0) throw new Error(`the log tells of defects:\n${defects.join("\n")}`);
    const last = this.log.findLast((line) => line.includes("drained"));
    if (last === undefined) return;
    const [, accepted, sum] = /(\d+) accepted = ([^"]+)/.exec(last)!;
    const parts = sum!.split(" + ").map((part) => parseInt(part));
    if (Number(accepted) !== parts.reduce((sum, part) => sum + part, 0)) throw new Error(last);
  }

  /** Drains it with SIGTERM and returns the exit status. */
  async terminate(): Promise<number> {
    this.signal("SIGTERM");
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    try {
      this.signal("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

async function collect(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  }
  if (rest) lines.push(rest);
}
