import { listens, tree } from "./measure.ts";

/** Descriptors that a process here may open, once it has raised its limit. */
export const DESCRIPTORS = Number(
  /^Max open files\s+\d+\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))?.[1] ?? 4096,
);

const READY_MS = 20_000;

/** Ports are picked below the range of outgoing connections, which would take them at times. */
const PORTS = { first: 12_000, last: 32_000 };

/** A process that runs until it is stopped. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The file with all its output. */
  readonly log: string;
  stop(): Promise<void>;
  /** Asks it to end by itself; `ended` is when it has. */
  end(): void;
  readonly ended: Promise<unknown>;
}

/** All processes of a run and the directory of their files: none of it outlives the run. */
export class Processes {
  readonly dir = Deno.makeTempDirSync({ prefix: "iawlb-bench-" });
  readonly #running = new Set<Deno.ChildProcess>();
  /** What ends those that have left the process that started them. */
  readonly #last: (readonly string[])[] = [];
  #files = 0;
  #port = PORTS.first + Math.floor(Math.random() * 10_000);

  /** Writes a file into the directory and returns its path. */
  file(name: string, text = ""): string {
    const path = `${this.dir}/${++this.#files}-${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** A port that nothing listens on, and a different one each time. */
  freePort(): number {
    for (;;) {
      this.#port = this.#port < PORTS.last ? this.#port + 1 : PORTS.first;
      try {
        Deno.listen({ hostname: "127.0.0.1", port: this.#port }).close();
        return this.#port;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
    }
  }

  /** Starts a program that goes on, with all descriptors that it may have. */
  spawn(name: string, line: readonly string[]): Child {
    const log = this.file(`${name.replaceAll(/\W+/g, "-")}.log`);
    const child = this.#spawn(line, { stdin: "null", stdout: "null", stderr: "null" }, log);
    return {
      name,
      pid: child.pid,
      log,
      stop: () => this.#stop(child),
      end: () => child.kill("SIGTERM"),
      ended: child.status,
    };
  }

  /** Starts a program and waits until it listens on a port. */
  async serve(name: string, line: readonly string[], port: number): Promise<Child> {
    const child = this.spawn(name, line);
    for (const end = performance.now() + READY_MS; !listens(port);) {
      if (performance.now() > end || !this.#isRunning(child.pid)) {
        throw new Error(`${name} does not listen:\n${Deno.readTextFileSync(child.log)}`);
      }
      await sleep(5);
    }
    return child;
  }

  /** Runs a program to its end and returns what it wrote to standard output. */
  async run(name: string, line: readonly string[], timeout: number): Promise<string> {
    const child = this.#spawn(line, { stdin: "null", stdout: "piped", stderr: "piped" });
    const timer = setTimeout(() => kill(child.pid), timeout);
    const { success, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const output = new TextDecoder().decode(stdout);
    if (success) return output;
    const errors = new TextDecoder().decode(stderr);
    throw new Error(`${name} failed: ${(errors + output).trim().slice(-500)}`);
  }

  /** Ends everything that runs. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.#stop(child)));
  }

  /** A program that is run to its end before the directory is removed. */
  onClose(line: readonly string[]): void {
    this.#last.push(line);
  }

  /** Ends everything that runs and removes the directory, without waiting for what runs. */
  close(): void {
    for (const [program, ...args] of this.#last) {
      new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).outputSync();
    }
    for (const { pid } of this.#running) kill(pid);
    try {
      Deno.removeSync(this.dir, { recursive: true });
    } catch {
      // It is removed already.
    }
  }

  #spawn(line: readonly string[], io: Deno.CommandOptions, log?: string): Deno.ChildProcess {
    const limit = 'ulimit -n "$(ulimit -Hn)"; log=$1; shift; exec "$@"';
    const script = log ? `${limit} >"$log" 2>&1` : limit;
    const child = new Deno.Command("sh", { ...io, args: ["-c", script, "sh", log ?? "", ...line] })
      .spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }

  async #stop(child: Deno.ChildProcess): Promise<void> {
    if (this.#running.has(child)) kill(child.pid);
    await child.status;
  }

  #isRunning(pid: number): boolean {
    return [...this.#running].some((child) => child.pid === pid);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Kills a process and its descendants, the parent first: it might start others in their place. */
function kill(root: number): void {
  for (const pid of tree(root)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}
