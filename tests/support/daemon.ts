import { until } from "./servers.ts";

/** A daemon that the program has become, known by its pid file. */
export class Daemon implements AsyncDisposable {
  readonly pid: number;
  readonly pidFile: string;

  constructor(pidFile: string) {
    this.pidFile = pidFile;
    this.pid = Number(Deno.readTextFileSync(pidFile));
  }

  /** Whether the process is there, and no mere entry that nobody has asked for. */
  get runs(): boolean {
    return !["", "Z", "X"].includes(this.#stat()[0] ?? "");
  }

  /** The fields of the process from its state on, see proc_pid_stat(5). */
  #stat(): string[] {
    try {
      return Deno.readTextFileSync(`/proc/${this.pid}/stat`).replace(/^.*\) /s, "").split(" ");
    } catch {
      return [];
    }
  }

  /** Its session in the sense of the system. */
  get session(): number {
    return Number(this.#stat()[3]);
  }

  /** Lines of what the kernel tells of it. */
  status(...names: string[]): string[] {
    const text = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return names.map((name) => {
      const [, value = ""] = new RegExp(`^${name}:(.*)$`, "m").exec(text) ?? [];
      return value.trim().replaceAll(/\s+/g, " ");
    });
  }

  signal(signal: Deno.Signal): void {
    Deno.kill(this.pid, signal);
  }

  async ended(): Promise<void> {
    await until(() => !this.runs, "the daemon has ended");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.runs) return;
    this.signal("SIGKILL");
    await this.ended();
  }
}
