import { find } from "./packaged_servers.ts";

/** What a command of Podman has come to. */
export interface PodmanResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What Podman keeps beside its storage, wherever that is. */
const CACHE = "/var/lib/containers";

/**
 * Hybrid control groups are refused by crun, even where it is told to make none: what is mounted of
 * their second version is put away, for these processes alone. What would stay on this machine is
 * kept in memory.
 */
const HOLD = `umount /sys/fs/cgroup/unified 2>/dev/null
mkdir -p ${CACHE}
for folder in ${CACHE} /dev/shm; do mount -t tmpfs none "$folder"; done
echo ready
exec sleep infinity`;

/** What containers are run with: the network is this machine's, and no control groups are needed. */
const RUN = ["--network=host", "--cgroups=disabled", "--ulimit=nproc=1000:1000"];

/**
 * Podman with a storage of its own, and mounts that nobody else sees; whatever it has is gone in the
 * end.
 */
export class Podman implements AsyncDisposable {
  readonly #folder: string;
  /** Keeps the mounts. */
  readonly #holder: Deno.ChildProcess;
  readonly #options: readonly string[];
  /** Whether this machine had the folder of the cache before. */
  readonly #hadCache: boolean;

  private constructor(
    folder: string,
    { holder, hadCache }: { holder: Deno.ChildProcess; hadCache: boolean },
  ) {
    this.#folder = folder;
    this.#holder = holder;
    this.#hadCache = hadCache;
    this.#options = [
      `--root=${folder}/storage`,
      `--runroot=${folder}/run`,
      `--tmpdir=${folder}/state`,
      `--runtime-flag=root=${folder}/crun`,
      "--cgroup-manager=cgroupfs",
      "--events-backend=file",
    ];
  }

  static async start(): Promise<Podman> {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-podman-" });
    const hadCache = isThere(CACHE);
    const holder = new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", HOLD],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await reader.cancel();
    return new Podman(folder, { holder, hadCache });
  }

  /** Runs a command to its end. */
  async run(...args: readonly string[]): Promise<PodmanResult> {
    const { code, stdout, stderr } = await new Deno.Command("nsenter", {
      args: [`--target=${this.#holder.pid}`, "--mount", "podman", ...this.#options, ...args],
      // Checks of health would otherwise be left to systemd.
      env: { DISABLE_HC_SYSTEMD: "true", TMPDIR: this.#folder },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** The same for what must succeed. Returns its standard output. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code === 0) return stdout;
    throw new Error(`podman ${args.join(" ")}: ${stderr.trim()}`);
  }

  /** Starts a container in the background. */
  async container(options: readonly string[], ...args: readonly string[]): Promise<Container> {
    const id = (await this.must("run", "--detach", ...limits(), ...options, ...args)).trim();
    return new Container(this, id);
  }

  /** Runs a container to its end. */
  async once(...args: readonly string[]): Promise<PodmanResult> {
    return await this.run("run", "--rm", ...limits(), ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("rm", "--all", "--force", "--time=0");
    this.#holder.kill("SIGKILL");
    await this.#holder.status;
    await Deno.remove(this.#folder, { recursive: true });
    // Not what others have made meanwhile.
    if (!this.#hadCache) await Deno.remove(CACHE).catch(() => {});
  }
}

/** A container that was started. */
export class Container implements AsyncDisposable {
  readonly #podman: Podman;
  readonly #id: string;

  constructor(podman: Podman, id: string) {
    this.#podman = podman;
    this.#id = id;
  }

  /** Runs a command in it. */
  async exec(...args: readonly string[]): Promise<PodmanResult> {
    return await this.#podman.run("exec", this.#id, ...args);
  }

  /** The exit status of the check of health of its image; 125 while Podman stops it. */
  async health(): Promise<number> {
    return (await this.#podman.run("healthcheck", "run", this.#id)).code;
  }

  /** The number of its first process on this machine. */
  async pid(): Promise<number> {
    return Number(await this.#podman.must("inspect", "--format={{.State.Pid}}", this.#id));
  }

  /** What it has written: the access log, and the log. */
  async logs(): Promise<{ stdout: string; stderr: string }> {
    return await this.#podman.run("logs", this.#id);
  }

  async signal(signal: string): Promise<void> {
    await this.#podman.must("kill", `--signal=${signal}`, this.#id);
  }

  /** Waits until it has ended; returns the exit status. */
  async ended(): Promise<number> {
    return Number(await this.#podman.must("wait", this.#id));
  }

  /** Stops it as an engine does; returns the exit status. */
  async stop(seconds: number): Promise<number> {
    await this.#podman.must("stop", `--time=${seconds}`, this.#id);
    return Number(await this.#podman.must("inspect", "--format={{.State.ExitCode}}", this.#id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#podman.must("rm", "--force", "--time=0", this.#id);
  }
}

/** Who may not raise limits must not ask for more than there are. */
function limits(): string[] {
  const [, , hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(
    Deno.readTextFileSync("/proc/self/limits"),
  ) ?? [];
  return [...RUN, `--ulimit=nofile=${hard}:${hard}`];
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Why there can be no {@linkcode Podman} here, as far as that can be told without an image. */
export function whyNoPodman(): string {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "podman is run by root on Linux here";
  const missing = ["podman", "crun", "unshare", "nsenter"].find((name) => !find(name));
  return missing ? `there is no ${missing}` : "";
}
