import { freePort, until } from "./servers.ts";

/** Where a program of a name is, or nothing: the first in these folders, then in PATH. */
export function pathOf(name: string, folders: readonly string[] = []): string | undefined {
  const path = (Deno.env.get("PATH") ?? "").split(":");
  return [...folders, ...path].map((folder) => `${folder}/${name}`).find((file) => {
    try {
      return Deno.statSync(file).isFile;
    } catch {
      return false;
    }
  });
}

/** A client that runs as a process of its own. */
export class Client implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;

  constructor(command: string, args: readonly string[]) {
    const options = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(command, { ...options, args: [...args] }).spawn();
    this.#output = this.#child.output();
  }

  /** What it has printed, and its exit status, when it has ended. */
  async ended(): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await this.#output;
    const decoder = new TextDecoder();
    return { code, text: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#output;
  }
}

/** A server of a package, with its files in a folder of its own. */
export class RealServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Client;
  readonly #folder: string;

  private constructor(options: { port: number; server: Client; folder: string }) {
    this.port = options.port;
    this.#server = options.server;
    this.#folder = options.folder;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async redis(): Promise<RealServer> {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-redis-" });
    const port = freePort();
    const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const server = new Client(pathOf("redis-server")!, [...args, "--enable-debug-command", "yes"]);
    return await RealServer.#ready({ port, server, folder });
  }

  static async postgres(): Promise<RealServer> {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-postgres-" });
    const port = freePort();
    // It refuses to run as root.
    const user = Deno.uid() === 0 ? ["runuser", "-u", "postgres", "--"] : [];
    const run = (line: readonly string[]) => new Client(line[0]!, line.slice(1));
    if (user.length > 0) await run(["chown", "postgres", folder]).ended();
    const initdb = pathOf("initdb", postgresFolders())!;
    const options = ["-D", `${folder}/data`, "-U", "postgres", "-A", "trust", "--no-sync"];
    const made = await run([...user, initdb, ...options]).ended();
    if (made.code !== 0) throw new Error(made.text);
    const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "fsync=off"];
    const flags = [...settings, "unix_socket_directories="].flatMap((one) => ["-c", one]);
    // The postmaster itself, so that a signal to this process reaches it.
    const postgres = pathOf("postgres", postgresFolders())!;
    const command = Deno.uid() === 0
      ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", postgres]
      : [postgres];
    const server = run([...command, "-D", `${folder}/data`, ...flags]);
    return await RealServer.#ready({ port, server, folder, stop: "SIGQUIT" });
  }

  static async #ready(
    options: { port: number; server: Client; folder: string; stop?: Deno.Signal },
  ): Promise<RealServer> {
    const { port, server } = options;
    const self = new RealServer(options);
    self.#stop = options.stop ?? "SIGTERM";
    let ended: string | undefined;
    server.ended().then(({ text }) => ended = text);
    const answers = async () => {
      if (ended !== undefined) throw new Error(ended);
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    };
    try {
      await until(answers, "the server answers", 30_000);
    } catch (error) {
      await self[Symbol.asyncDispose]();
      throw error;
    }
    return self;
  }

  #stop: Deno.Signal = "SIGTERM";

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill(this.#stop);
    await this.#server.ended();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Where Debian has the programs of PostgreSQL. */
export function postgresFolders(): string[] {
  try {
    const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => name);
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}
