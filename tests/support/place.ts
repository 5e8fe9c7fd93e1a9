import { runOn } from "./namespaces.ts";
import { Program } from "./program.ts";

const ECHO = new URL("./udp_echo_main.ts", import.meta.url).pathname;

let made = 0;

/** A network namespace with loopback, kernel settings and files of `/etc` of its own. */
export class Place implements AsyncDisposable {
  readonly name = `iawlb-addr-${Deno.pid}-${++made}`;
  readonly prefix = ["ip", "netns", "exec", this.name];

  static async make(settings: string[], files: Record<string, string> = {}): Promise<Place> {
    const place = new Place();
    await runOn({ prefix: [] }, `ip netns add ${place.name}`);
    try {
      await Deno.mkdir(`/etc/netns/${place.name}`, { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        await Deno.writeTextFile(`/etc/netns/${place.name}/${name}`, text);
      }
      await runOn(place, "ip link set lo up");
      for (const setting of settings) await runOn(place, `sysctl -qw ${setting}`);
      return place;
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What the shell does before the program so that it runs in here. */
  get entry(): string {
    return `set -- ${this.prefix.join(" ")} "$@"`;
  }

  /** Starts the program and waits until it listens; returns the addresses it names, too. */
  async start(args: string[]): Promise<{ program: Program; addresses: string[] }> {
    const program = Program.launch(["--log-format", "json", ...args], this.entry);
    try {
      const line = await program.logged(/listening on /);
      const [, addresses = ""] = /listening on (.*?) for /.exec(line) ?? [];
      return { program, addresses: addresses.split(", ") };
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a UDP server in here that answers with what it gets. */
  echo(port: number): Deno.ChildProcess {
    const command = [Deno.execPath(), "run", "-A", "--quiet", "--unstable-net", ECHO, `${port}`];
    return new Deno.Command("ip", { args: [...this.prefix.slice(1), ...command] }).spawn();
  }

  /** Whether somebody in here can connect to an address. */
  async reaches(host: string, port: number): Promise<boolean> {
    const args = [...this.prefix.slice(1), "bash", "-c", `exec 3<>/dev/tcp/${host}/${port}`];
    const { success } = await new Deno.Command("ip", { args, stderr: "null" }).output();
    return success;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runOn({ prefix: [] }, `ip netns del ${this.name}`);
    await Deno.remove(`/etc/netns/${this.name}`, { recursive: true }).catch(() => {});
  }
}

/** Why there can be no {@linkcode Place} here; empty if there can. */
export async function whyNoPlace(): Promise<string> {
  try {
    await using _ = await Place.make(["net.ipv6.bindv6only=1"]);
    return "";
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
