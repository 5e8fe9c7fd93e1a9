import type { Machine } from "./namespaces.ts";

const MAIN = new URL("./reconnecting_main.ts", import.meta.url).pathname;

/** An echo server, and clients that connect again and again, in a process of a machine. */
export class Reconnecting {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#lines = child.stdout
      .pipeThrough<string>(new TextDecoderStream() as never).getReader();
  }

  /** Starts the server; the clients do not come yet. */
  static async start(
    { prefix }: Machine,
    { port, serverPort, clients }: { port: number; serverPort: number; clients: number },
  ): Promise<Reconnecting> {
    const numbers = [port, serverPort, clients].map(String);
    const line = [...prefix, Deno.execPath(), "run", "-A", "--quiet", MAIN, ...numbers];
    const stdio = { stdin: "piped", stdout: "piped" } as const;
    const one = new Reconnecting(
      new Deno.Command(line[0]!, { args: line.slice(1), ...stdio }).spawn(),
    );
    await one.#line();
    return one;
  }

  /** The clients come from now on. */
  async begin(): Promise<void> {
    await this.#input.write(new Uint8Array(1));
    await this.#line();
  }

  /** They come no more; returns how many were served, and how the others ended. */
  async end(): Promise<Record<string, number>> {
    await this.#input.write(new Uint8Array(1));
    const ends = JSON.parse(await this.#line());
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
    return ends;
  }

  async #line(): Promise<string> {
    for (;;) {
      const [line, rest] = this.#rest.split("\n", 2);
      if (rest !== undefined) {
        this.#rest = this.#rest.slice(line!.length + 1);
        return line!;
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("the clients have ended");
      this.#rest += value;
    }
  }
}
