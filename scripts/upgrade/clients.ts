import type { ClientOptions, Outcomes } from "./outcomes.ts";

const MAIN = new URL("./clients_main.ts", import.meta.url).pathname;

/** A process full of clients. */
export class Clients {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(options: ClientOptions) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream() as never)
      .getReader() as ReadableStreamDefaultReader<string>;
  }

  /** What they have come to so far. */
  async soFar(): Promise<Outcomes> {
    await this.#input.write(new Uint8Array([10]));
    return await this.#line();
  }

  /** Ends them, each with its answer, and returns what they have come to. */
  async end(): Promise<Outcomes> {
    await this.#input.close();
    const outcomes = await this.#line();
    await this.#child.status;
    await this.#lines.cancel();
    return outcomes;
  }

  /** For one who does not want to know. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  async #line(): Promise<Outcomes> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("the clients have ended");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }
}
