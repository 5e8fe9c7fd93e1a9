const SCRIPT = new URL("./destination_main.ts", import.meta.url).pathname;

/** A destination of `destination_main.ts` that can be killed and started again. */
export class DestinationProcess implements AsyncDisposable {
  readonly address: string;
  readonly #prefix: readonly string[];
  #child: Deno.ChildProcess | undefined;

  /** @param prefix A command that runs it, such as one that enters a network namespace. */
  constructor(address: string, prefix: readonly string[] = []) {
    this.address = address;
    this.#prefix = prefix;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const line = [...this.#prefix, Deno.execPath(), "run", "--quiet", "-A", SCRIPT, this.address];
    const child = new Deno.Command(line[0]!, {
      args: line.slice(1),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#child = child;
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
  }

  /** Kills it and waits until the kernel has closed its sockets. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
