/** Rules for forwarded packets, of a TCP endpoint or of all, as one tool or the other writes them. */
const FILTERS = {
  iptables: {
    setUp: [],
    add: "iptables -w -A FORWARD",
    from: (address: string, port: string) => `-p tcp -s ${address} --sport ${port} -j DROP`,
    to: (address: string, port: string) => `-p tcp -d ${address} --dport ${port} -j DROP`,
    synTo: (address: string, port: string) => `-p tcp --syn -d ${address} --dport ${port}`,
    oneIn50: "-m statistic --mode random --probability 0.02 -j DROP",
    clear: "iptables -w -F FORWARD",
    list: "iptables -w -nvxL FORWARD 1",
    packets: /^\s*(\d+)/,
  },
  nft: {
    setUp: [
      "nft add table ip iawlb",
      "nft add chain ip iawlb forward { type filter hook forward priority 0 ; }",
    ],
    add: "nft add rule ip iawlb forward",
    from: (address: string, port: string) => `ip saddr ${address} tcp sport ${port} drop`,
    to: (address: string, port: string) => `ip daddr ${address} tcp dport ${port} drop`,
    synTo: (address: string, port: string) =>
      `ip daddr ${address} tcp dport ${port} tcp flags & (syn|ack) == syn counter`,
    oneIn50: "numgen random mod 50 == 0 counter drop",
    clear: "nft flush chain ip iawlb forward",
    list: "nft list chain ip iawlb forward",
    packets: /packets (\d+)/,
  },
};

/** Where a command can run. */
export interface Machine {
  /** What enters its namespace, before a command; empty for this process's own. */
  readonly prefix: readonly string[];
}

/** A machine that the router has a line to. */
export interface Host extends Machine {
  readonly address: string;
  /** The router's device. */
  readonly line: string;
}

const HERE: Machine = { prefix: [] };

function inside(namespace: string): Machine {
  return { prefix: ["ip", "netns", "exec", namespace] };
}

/** How many networks this process has made. */
let networks = 0;

/**
 * Machines that are network namespaces, all connected to one router, which can lose their packets.
 * This process is a machine as well; no rule is made in its own namespace.
 */
export class Network implements AsyncDisposable {
  readonly router: Machine;
  /** This process's own machine. */
  here!: Host;
  /** The namespaces, the router's first. */
  readonly #names: string[] = [];
  readonly #name: string;
  /** This process's end of its line. */
  readonly #device: string;
  /** The first three numbers of all addresses. */
  #subnet = "";
  #filter: typeof FILTERS[keyof typeof FILTERS] = FILTERS.iptables;

  private constructor(number: number) {
    this.#name = `iawlb-${Deno.pid}-${number}`;
    this.#device = `iaw${Deno.pid}-${number}`;
    this.router = inside(this.#name);
  }

  static async make(): Promise<Network> {
    const network = new Network(networks++);
    try {
      await network.#setUp();
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** Adds a machine. */
  async host(): Promise<Host> {
    const name = `${this.#name}-${this.#names.length}`;
    await this.#addNamespace(name);
    return await this.#connect(inside(name), { device: "eth0", netns: ` netns ${name}` });
  }

  /** Drops everything from and to an endpoint, as if it were unplugged. */
  async cut(endpoint: string): Promise<void> {
    const [address, port] = endpoint.split(":") as [string, string];
    await this.#add(this.#filter.from(address, port));
    await this.#add(this.#filter.to(address, port));
  }

  /** Counts the connects to an endpoint. */
  async countConnects(endpoint: string): Promise<void> {
    const [address, port] = endpoint.split(":") as [string, string];
    await this.#add(this.#filter.synTo(address, port));
  }

  /** Drops one packet in 50 at random. */
  async lose(): Promise<void> {
    await this.#add(this.#filter.oneIn50);
  }

  /** How many packets have met the first of the rules. */
  async counted(): Promise<number> {
    return Number(this.#filter.packets.exec(await runOn(this.router, this.#filter.list))![1]);
  }

  /** Removes all rules. */
  async clear(): Promise<void> {
    await runOn(this.router, this.#filter.clear);
  }

  /** Delays what is sent to a machine, or narrows its line where there is no netem; returns how. */
  async delay({ line }: Host): Promise<string> {
    const add = `tc qdisc add dev ${line} root`;
    try {
      await runOn(this.router, `${add} netem delay 20ms`);
      return "20 ms of delay";
    } catch {
      await runOn(this.router, `${add} tbf rate 50mbit burst 16kb limit 128kb`);
      return "50 Mbit/s, no delay: no netem here";
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Sockets that are still closing keep a namespace, and with it the other end of this line.
    await runOn(HERE, `ip link del ${this.#device}`).catch(() => {});
    for (const name of this.#names) await runOn(HERE, `ip netns del ${name}`);
  }

  async #setUp(): Promise<void> {
    const taken = await runOn(HERE, "ip -4 addr");
    do {
      const number = Math.floor(Math.random() * 512);
      this.#subnet = `198.${18 + (number >> 8)}.${number & 255}`;
    } while (taken.includes(` ${this.#subnet}.`));
    await this.#addNamespace(this.#name);
    await runOn(this.router, "sysctl -w net.ipv4.ip_forward=1");
    await runOn(this.router, "sysctl -w net.ipv4.icmp_ratelimit=0");
    this.here = await this.#connect(HERE, { device: this.#device, netns: "" });
    try {
      await runOn(this.router, FILTERS.iptables.list);
    } catch {
      this.#filter = FILTERS.nft;
    }
    for (const command of this.#filter.setUp) await runOn(this.router, command);
  }

  async #addNamespace(name: string): Promise<void> {
    await runOn(HERE, `ip netns add ${name}`);
    this.#names.push(name);
    await runOn(inside(name), "ip link set lo up");
  }

  /** Makes the line to a machine, in which its end is this device. */
  async #connect(machine: Machine, end: { device: string; netns: string }): Promise<Host> {
    const { device, netns } = end;
    const index = this.#names.length - 1;
    const line = `line${index}`;
    const gateway = `${this.#subnet}.${index * 4 + 1}`;
    const address = `${this.#subnet}.${index * 4 + 2}`;
    const veth = `ip link add ${line} netns ${this.#name} type veth peer name ${device}${netns}`;
    await runOn(HERE, veth);
    await runOn(this.router, `ip addr add ${gateway}/30 dev ${line}`);
    await runOn(this.router, `ip link set ${line} up`);
    await runOn(machine, `ip addr add ${address}/30 dev ${device}`);
    await runOn(machine, `ip link set ${device} up`);
    await runOn(machine, `ip route add ${this.#subnet}.0/24 via ${gateway}`);
    return { ...machine, address, line };
  }

  async #add(rule: string): Promise<void> {
    await runOn(this.router, `${this.#filter.add} ${rule}`);
  }
}

/** Why there can be no {@linkcode Network} here; empty if there can. */
export async function whyNoNetwork(): Promise<string> {
  try {
    await using network = await Network.make();
    await network.countConnects("198.18.0.1:1");
    await network.cut("198.18.0.1:1");
    await network.lose();
    await network.delay(network.here);
    return "";
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}

/** Runs a command, in which blanks separate, on a machine, and returns its standard output. */
export async function runOn({ prefix }: Machine, command: string): Promise<string> {
  const [name, ...args] = [...prefix, ...command.split(" ")];
  const output = await new Deno.Command(name!, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout);
  throw new Error(`${name} ${args.join(" ")}: ${decoder.decode(output.stderr).trim()}`);
}
