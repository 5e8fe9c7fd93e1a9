import { until } from "./servers.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const BINARY = Deno.env.get("IAWLB_BINARY");

/** The words that start the program: the binary under test, or the sources under this Deno. */
export const PROGRAM: readonly [string, ...string[]] = BINARY
  ? [BINARY]
  : [Deno.execPath(), "run", "--quiet", "-P", MAIN];

/** Why there is no pseudo-terminal to test in; `undefined` if there is one. */
export const noTerminal: string | undefined = findReason();

function findReason(): string | undefined {
  if (Deno.build.os !== "linux") return "the tests know the script command of Linux only";
  try {
    const { success } = new Deno.Command("script", { args: ["--version"] }).outputSync();
    return success ? undefined : "script --version failed";
  } catch {
    return "there is no script command (util-linux)";
  }
}

/** A shell command in a real pseudo-terminal. */
export class Terminal implements AsyncDisposable {
  /** Everything that it has shown. */
  output = "";
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #done: Promise<void>;

  /** Runs a command in a terminal of 80 columns and 24 rows unless it is given. */
  constructor(command: string, size: { columns?: number; rows?: number } = {}) {
    const { columns = 80, rows = 24 } = size;
    this.#child = new Deno.Command("script", {
      args: ["-qec", `stty cols ${columns} rows ${rows}; echo tty=$(tty); ${command}`, "/dev/null"],
      // With its colours, whatever the tests themselves are shown in.
      env: { SHELL: "/bin/sh", TERM: "xterm", NO_COLOR: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#done = this.#collect();
  }

  /** What was shown since the output had this length. */
  since(length: number): string {
    return this.output.slice(length);
  }

  /** Waits until a text is shown, after the output had a certain length. */
  async shows(text: string, since = 0): Promise<void> {
    await until(() => this.since(since).includes(text), `the terminal shows ${text}`)
      .catch((error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(this.since(since))}`);
      });
  }

  async type(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Makes the terminal another size, which the program in it is told. */
  async resize(columns: number, rows: number): Promise<void> {
    const tty = /tty=(\S+)/.exec(this.output)![1]!;
    const args = ["-F", tty, "cols", String(columns), "rows", String(rows)];
    await new Deno.Command("stty", { args }).output();
  }

  /** Waits until the command has ended. */
  async ended(): Promise<void> {
    await this.#child.status;
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#input.close().catch(() => {});
    await this.ended();
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.output += decoder.decode(chunk, { stream: true });
    }
  }
}
