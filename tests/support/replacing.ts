import { assert } from "@std/assert";
import { Program, runProgram } from "./program.ts";
import { echo, freePort, TestServer, tryClose, until } from "./servers.ts";

/** A place that processes have one after the other: a pid file, a server, and a port for clients. */
export class ReplacingScene implements AsyncDisposable {
  readonly port = freePort();
  readonly folder = Deno.makeTempDirSync();
  readonly server = new TestServer(echo);
  readonly #programs: Program[] = [];

  get pidFile(): string {
    return `${this.folder}/a.pid`;
  }

  /** The number in the pid file. */
  get pid(): number {
    return Number(Deno.readTextFileSync(this.pidFile));
  }

  /** The names of what is in the folder. */
  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  /** Arguments of a process that has the place, or wants it. */
  args(...more: string[]): string[] {
    return ["--log-format", "json", "--pid-file", this.pidFile, ...more];
  }

  /** Where it listens and whom it serves. */
  get addresses(): [string, string] {
    return [`127.0.0.1:${this.port}`, this.server.address];
  }

  /** Starts the first one, and waits until it serves. */
  async first(args = this.addresses as string[]): Promise<Program> {
    const program = this.launch(this.args(...args));
    await program.logged(/listening on /);
    await until(() => this.files.includes("a.pid.socket"), "it can be replaced");
    return program;
  }

  /** Starts one that replaces whoever has the place, and waits until it has. */
  async next(args = this.addresses as string[], limit?: string): Promise<Program> {
    const program = this.launch(this.args("--replace", ...args), limit);
    await program.logged(/replaces the process/);
    return program;
  }

  launch(args: string[], limit?: string): Program {
    const program = Program.launch(args, limit);
    this.#programs.push(program);
    return program;
  }

  /** Runs one that wants the place to its end. */
  async fail(args = this.addresses as string[], limit?: string) {
    return await runProgram(this.args("--replace", ...args), limit);
  }

  /** A client that stays connected. */
  async client(): Promise<Client> {
    const client = new Client(await Deno.connect({ port: this.port, hostname: "127.0.0.1" }));
    await client.talk("hello");
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A client of an echo server. */
export class Client implements Disposable {
  readonly #conn: Deno.Conn;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Sends a text and waits for its echo. */
  async talk(text: string): Promise<void> {
    await this.#conn.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(text.length);
    let length = 0;
    while (length < text.length) {
      const read = await this.#conn.read(buffer.subarray(length));
      assert(read !== null, "the session has ended");
      length += read;
    }
    assert(new TextDecoder().decode(buffer) === text);
  }

  /** A second call does nothing. */
  close(): void {
    tryClose(this.#conn);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
