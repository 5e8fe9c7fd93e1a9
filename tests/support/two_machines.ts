import { runOn } from "./namespaces.ts";
import { Program } from "./program.ts";
import { until } from "./servers.ts";

/** What keepalived runs by and what it runs: as operators install it. */
const HA = new URL("../../scripts/ha/", import.meta.url).pathname;

/** The port of the clients, and that of the admin API on loopback; each machine has its own. */
const PORT = 8080;
const ADMIN = "127.0.0.1:9090";

/** How long keepalived may take to its end, in milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Ends and removes everything, once its standard input has ended: also when this process was killed.
 * Arguments: a line, a folder, namespaces.
 */
const CLEANER = `
cat
line=$1 folder=$2
shift 2
for name; do
  for pid in $(ip netns pids "$name"); do kill -KILL "$pid"; done
  ip netns del "$name"
done
ip link del "$line"
rm -rf "$folder"
`;

/** How many pairs this process has made. */
let pairs = 0;

/**
 * Two machines with iawlb and keepalived, and an address that one of them has: network namespaces at
 * one switch, which is a bridge. Clients and destinations are this process, at the same switch.
 */
export class TwoMachines implements AsyncDisposable {
  /** Where destinations listen, so that both machines reach them. */
  here = "";
  /** The address that moves. */
  address = "";
  readonly port = PORT;
  readonly one: HaMachine;
  readonly two: HaMachine;
  readonly #name = `iawlbha${Deno.pid}-${pairs++}`;
  /** This process's line to the switch. */
  readonly #line = `ibha${Deno.pid}-${pairs}`;
  readonly #folder = Deno.makeTempDirSync({ prefix: "iawlbha-" });
  readonly #cleaner: Deno.ChildProcess;

  private constructor() {
    this.one = new HaMachine("lb1", `${this.#name}-lb1`, this.#folder);
    this.two = new HaMachine("lb2", `${this.#name}-lb2`, this.#folder);
    this.#cleaner = new Deno.Command("sh", {
      args: ["-c", CLEANER, "sh", this.#line, this.#folder, ...this.#namespaces],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // What ends this process from a terminal does not end it.
      detached: true,
    }).spawn();
  }

  /** Makes the machines; nothing runs there. */
  static async make(): Promise<TwoMachines> {
    const both = new TwoMachines();
    try {
      await both.#setUp();
    } catch (error) {
      await both[Symbol.asyncDispose]();
      throw error;
    }
    return both;
  }

  /**
   * Starts iawlb and keepalived on both, and waits until the first one has the address and is well.
   *
   * @param options.secondChance Whether sessions outlast a move of the address; they do if absent.
   */
  async start(
    destinations: readonly string[],
    options: { flags?: readonly string[]; secondChance?: boolean } = {},
  ): Promise<void> {
    const { flags = [], secondChance = true } = options;
    const machines = [this.one, this.two];
    for (const [i, machine] of machines.entries()) {
      if (secondChance) await machine.secondChance(this.address, machines[1 - i]!.address);
      await machine.balance(destinations, flags);
    }
    // A check that fails at first would move the address to and fro.
    for (const machine of machines) await until(() => machine.well(), `${machine.name} is well`);
    for (const machine of machines) await machine.keepAlive(this.#conf());
    await until(
      async () => (await this.owners()).join() === this.one.name,
      "the first machine alone has the address",
    );
  }

  /** Which of them has the address: none, one, or both for a moment. */
  async owners(): Promise<string[]> {
    const all = await Promise.all([this.one, this.two].map(async (one) => {
      return await one.has(this.address) ? [one.name] : [];
    }));
    return all.flat();
  }

  /** Unplugs a machine, and ends what runs there. */
  async powerOff(machine: HaMachine): Promise<void> {
    await runOn(this.#switch, `ip link set ${machine.name} down`);
    await machine.stop("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.one.stop("SIGTERM"), this.two.stop("SIGTERM")]);
    await this.#cleaner.stdin.close();
    await this.#cleaner.status;
  }

  get #namespaces(): string[] {
    return [this.#name, this.one.namespace, this.two.namespace];
  }

  get #switch() {
    return { prefix: ["ip", "netns", "exec", this.#name] };
  }

  /** The file that comes with iawlb, with the addresses of these machines. */
  #conf(): string {
    return Deno.readTextFileSync(`${HA}keepalived.conf`)
      .replaceAll("192.0.2.10", this.address)
      .replaceAll("192.0.2.11", this.one.address)
      .replaceAll("192.0.2.12", this.two.address)
      .replaceAll("/usr/local/sbin/", HA);
  }

  async #setUp(): Promise<void> {
    const root = { prefix: [] };
    const taken = await runOn(root, "ip -4 addr");
    let net: string;
    do {
      const number = Math.floor(Math.random() * 512);
      net = `198.${18 + (number >> 8)}.${number & 255}`;
    } while (taken.includes(` ${net}.`));
    this.here = `${net}.1`;
    this.address = `${net}.10`;
    this.one.address = `${net}.11`;
    this.two.address = `${net}.12`;
    for (const name of this.#namespaces) {
      await runOn(root, `ip netns add ${name}`);
      await runOn({ prefix: ["ip", "netns", "exec", name] }, "ip link set lo up");
    }
    await runOn(this.#switch, "ip link add switch type bridge");
    await runOn(this.#switch, "ip link set switch up");
    for (const machine of [this.one, this.two]) {
      const peer = `peer name eth0 netns ${machine.namespace}`;
      await runOn(root, `ip link add ${machine.name} netns ${this.#name} type veth ${peer}`);
      await this.#plug(machine.name);
      await runOn(machine, `ip addr add ${machine.address}/24 dev eth0`);
      await runOn(machine, "ip link set eth0 up");
    }
    await runOn(root, `ip link add here netns ${this.#name} type veth peer name ${this.#line}`);
    await this.#plug("here");
    await runOn(root, `ip addr add ${this.here}/24 dev ${this.#line}`);
    await runOn(root, `ip link set ${this.#line} up`);
  }

  async #plug(line: string): Promise<void> {
    await runOn(this.#switch, `ip link set ${line} master switch`);
    await runOn(this.#switch, `ip link set ${line} up`);
  }
}

/** Why there can be no {@linkcode TwoMachines} here; empty if there can. */
export async function whyNoTwoMachines(): Promise<string> {
  try {
    await using both = await TwoMachines.make();
    await both.one.secondChance(both.address, both.two.address);
    return "";
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}

/** One of the machines. */
export class HaMachine {
  /** Also the name of its line at the switch. */
  readonly name: string;
  readonly namespace: string;
  /** What enters its namespace. */
  readonly prefix: readonly string[];
  /** Its own, which does not move. */
  address = "";
  #program: Program | undefined;
  #keepalived: Deno.ChildProcess | undefined;
  readonly #folder: string;
  #started: { destinations: readonly string[]; flags: readonly string[] } | undefined;

  constructor(name: string, namespace: string, folder: string) {
    this.name = name;
    this.namespace = namespace;
    this.prefix = ["ip", "netns", "exec", namespace];
    this.#folder = folder;
  }

  /** Its iawlb. */
  get program(): Program {
    return this.#program!;
  }

  /** Lets sessions outlast a move of the address. */
  async secondChance(address: string, peer: string): Promise<void> {
    await runOn(this, `${HA}second-chance up ${address} ${peer} eth0 ${PORT}`);
  }

  /** Starts iawlb, again if it has ended. */
  async balance(destinations?: readonly string[], flags: readonly string[] = []): Promise<void> {
    if (destinations) this.#started = { destinations, flags };
    const { destinations: to, flags: given } = this.#started!;
    const args = ["--admin", ADMIN, "--log-format", "json", ...given, `${PORT}`, ...to];
    this.#program = await Program.spawn(args, `set -- ${this.prefix.join(" ")} "$@"`);
  }

  /** Starts keepalived. */
  async keepAlive(conf: string): Promise<void> {
    const path = `${this.#folder}/keepalived.conf`;
    await Deno.writeTextFile(path, conf);
    const own = `${this.#folder}/${this.name}`;
    const args = [
      ...[...this.prefix, "keepalived", "--dont-fork"],
      ...["--no-syslog", "--log-console", "--log-detail"],
      ...["--vrrp", "--use-file", path, "--config-id", this.name],
      ...["--pid", `${own}.pid`, "--vrrp_pid", `${own}.vrrp.pid`],
    ];
    // Into a pipe it would write only what fills a buffer.
    this.#keepalived = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', `${own}.log`, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Whether it has an address where others see it. */
  async has(address: string): Promise<boolean> {
    return (await runOn(this, "ip -4 -o addr show dev eth0")).includes(` ${address}/`);
  }

  /** Whether the check finds iawlb well. */
  async well(): Promise<boolean> {
    return await runOn(this, `${HA}iawlb-check ${ADMIN}`).then(() => true, () => false);
  }

  /** Packets that it has passed on to the other machine, or tried to. */
  async passedOn(): Promise<number> {
    const rules = await runOn(this, "nft list ruleset");
    return Number(/counter packets (\d+)/.exec(rules)![1]);
  }

  /** What its keepalived has said. */
  get keepalivedLog(): string {
    return Deno.readTextFileSync(`${this.#folder}/${this.name}.log`);
  }

  /** Whether it has heard of the other machine in the last seconds. */
  async hears(): Promise<boolean> {
    return (await runOn(this, "nft list ruleset")).includes("elements");
  }

  /** Says to the other machine what the check says each time. */
  async greet(peer: string): Promise<void> {
    // That nothing serves here is another matter.
    await runOn(this, `${HA}iawlb-check ${ADMIN} ${peer}`).catch(() => {});
  }

  /** Gives it an address where others see it, as keepalived does. */
  async give(address: string): Promise<void> {
    await runOn(this, `ip addr add ${address}/24 dev eth0`);
  }

  /** Lets keepalived say nothing, or go on: a machine that is too busy for it. */
  async silence(signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    await this.#signalChild(signal);
  }

  /** Ends everything that runs there. */
  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const keepalived = this.#keepalived;
    this.#keepalived = undefined;
    await this.#program?.[Symbol.asyncDispose]();
    this.#program = undefined;
    if (!keepalived) return;
    // It has a child, which may be stopped, and which would end a moment later if it alone were killed.
    await this.silence("SIGCONT").catch(() => {});
    const timer = setTimeout(() => kill("SIGKILL"), PATIENCE_MS);
    kill(signal);
    if (signal === "SIGKILL") await this.#signalChild(signal).catch(() => {});
    await keepalived.status;
    clearTimeout(timer);

    function kill(signal: Deno.Signal): void {
      try {
        keepalived!.kill(signal);
      } catch {
        // It has ended by itself.
      }
    }
  }

  async #signalChild(signal: Deno.Signal): Promise<void> {
    const pid = await Deno.readTextFile(`${this.#folder}/${this.name}.vrrp.pid`);
    Deno.kill(Number(pid), signal);
  }
}
