// The configuration of the manifests for Kubernetes, with name servers in the place of a cluster's.
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Status } from "../../src/operations/operations.ts";
import { A, address, service, SRV } from "../support/dns_message.ts";
import { DnsServer, type Script } from "../support/dns_server.ts";
import { NEEDING_DNSMASQ, startDnsmasq } from "../support/dnsmasq.ts";
import { configurationWith } from "../support/manifests.ts";
import { mayMount, mounting } from "../support/mounts.ts";
import { Program } from "../support/program.ts";
import {
  answer,
  freePort,
  readAll,
  request,
  TestServer,
  until,
  writeAll,
} from "../support/servers.ts";
import { unless } from "../support/unless.ts";

/** The headless service as the cluster's name servers have it, in a namespace. */
const SERVICE = "_http._tcp.servers.shop.svc.cluster.local";

/** The name that the service has for a pod. */
function podName(ip: string): string {
  return `${ip.replaceAll(".", "-")}.servers.shop.svc.cluster.local`;
}

/** The program as a pod of the cluster, with its configuration. */
class Balancer implements AsyncDisposable {
  readonly #folder: string;
  readonly #admin: string;
  readonly program: Program;

  private constructor(parts: { folder: string; admin: string; program: Program }) {
    this.#folder = parts.folder;
    this.#admin = parts.admin;
    this.program = parts.program;
  }

  /**
   * Starts it with the configuration of the manifests, but for what no two can have on one machine.
   *
   * @param options.resolver Who is asked, instead of the system: then the name is written in full, as
   * the comment in the configuration has it, since search domains do not count.
   * @param options.resolvConf What is in its `/etc/resolv.conf`.
   */
  static async start(
    { resolver, resolvConf }: { resolver?: string; resolvConf?: string },
  ): Promise<Balancer> {
    const folder = await Deno.makeTempDir();
    const admin = `127.0.0.1:${freePort()}`;
    const tokens = { "admin-token-file": "token", "admin-read-token-file": "read-token" };
    for (const name of Object.values(tokens)) {
      await Deno.writeTextFile(`${folder}/${name}`, `${name}-of-16-characters\n`);
    }
    let text = configurationWith({
      listen: `127.0.0.1:${freePort()}`,
      admin: admin.replace("127.0.0.1", "0.0.0.0"),
      "admin-token-file": `${folder}/${tokens["admin-token-file"]}`,
      "admin-read-token-file": `${folder}/${tokens["admin-read-token-file"]}`,
      "resolve-interval": "1s",
      "drain-delay": "0",
    });
    if (resolver) {
      const name = '"srv:_http._tcp.servers"';
      assertStringIncludes(text, name);
      text = `resolver = "${resolver}"\n${text.replace(name, `"srv:${SERVICE}."`)}`;
    }
    await Deno.writeTextFile(`${folder}/iawlb.toml`, text);
    if (resolvConf) await Deno.writeTextFile(`${folder}/resolv.conf`, resolvConf);
    const own = resolvConf && mounting(folder, ["resolv.conf"]);
    const program = await Program.spawn(["--config", `${folder}/iawlb.toml`], own);
    await program.logged(/admin API on /);
    return new Balancer({ folder, admin, program });
  }

  /** What a probe gets, which has no token. */
  async probe(path: string): Promise<number> {
    const response = await fetch(`http://${this.#admin}${path}`);
    await response.body?.cancel();
    return response.status;
  }

  /** Waits until these are the destinations, each at its address. */
  async has(...ips: readonly string[]): Promise<void> {
    const headers = { authorization: "Bearer read-token-of-16-characters" };
    let seen: string[] = [];
    await until(async () => {
      const response = await fetch(`http://${this.#admin}/status`, { headers });
      const { listeners: [listener] }: Status = await response.json();
      const there = listener!.destinations.filter(({ leaving, state }) => {
        return !leaving && state === "up";
      });
      seen = there.map(({ address }) => address!.replace(/:\d+$/, "")).sort();
      return `${seen}` === `${ips.toSorted()}`;
    }, `the destinations are ${ips}`).catch((error) => {
      throw new Error(`${error.message}, but ${seen}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Pods that listen on one port, each at its own address, and answer with that. */
function podsAt(port: number, ...ips: readonly string[]) {
  const pods = ips.map((hostname) => new TestServer(answer(hostname), { hostname, port }));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(pods.map((pod) => pod[Symbol.asyncDispose]()));
    },
  };
}

Deno.test({
  ...unless("pods of a headless service come and go, and no session is lost", {
    ...NEEDING_DNSMASQ,
    "addresses of loopback beyond 127.0.0.1 are Linux's": Deno.build.os !== "linux",
  }),
  async fn() {
    const [first, second, third] = ["127.0.55.1", "127.0.55.2", "127.0.55.3"] as const;
    const port = freePort();
    const records = [first, second, third].map((ip) => {
      return `--srv-host=${SERVICE},${podName(ip)},${port},0,33`;
    });
    const ready = (...ips: readonly string[]) => {
      return ips.map((ip) => `${ip} ${podName(ip)}\n`).join("");
    };
    await using dns = await startDnsmasq(
      ["--local=/cluster.local/", "--local-ttl=1", ...records],
      ready(first, second),
    );
    await using _pods = podsAt(port, first, second);
    await using _talking = new TestServer(async (conn) => {
      await writeAll(conn, new TextEncoder().encode("hello"));
      await writeAll(conn, await readAll(conn));
    }, { hostname: third, port, speaksFirst: true });
    await using balancer = await Balancer.start({ resolver: dns.address });
    await balancer.has(first, second);
    assertEquals(await balancer.probe("/healthz"), 200);
    assertEquals(await balancer.probe("/"), 200);
    assertEquals(await balancer.probe("/status"), 401);
    await dns.change(ready(third));
    await balancer.has(third);
    using client = await Deno.connect({ hostname: "127.0.0.1", port: balancer.program.port });
    await client.read(new Uint8Array(5));
    await dns.change(ready(first));
    await balancer.has(first);
    // The pod that has no record any more serves its session to the end.
    await writeAll(client, new TextEncoder().encode("still there"));
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readAll(client)), "still there");
    assertEquals(await request(balancer.program.port, "?"), first);
    assertEquals(await balancer.program.terminate(), 0);
  },
});

Deno.test({
  ...unless("the service is found in the namespace of the pod, by its search domains", {
    "mounts need root on Linux": !mayMount(),
  }),
  async fn() {
    const ip = "127.0.55.4";
    const port = freePort();
    const script: Script = ({ name, type }) => {
      if (name === SERVICE && type === SRV) {
        return { answers: [service(name, { target: podName(ip), port })] };
      }
      if (name === podName(ip)) return { answers: type === A ? [address(name, ip, 1)] : [] };
      return { code: 3 };
    };
    await using dns = new DnsServer(script, { hostname: "127.0.55.53", port: 53 });
    await using _pod = podsAt(port, ip);
    await using balancer = await Balancer.start({
      // As kubelet writes it.
      resolvConf: "search shop.svc.cluster.local svc.cluster.local cluster.local\n" +
        "nameserver 127.0.55.53\noptions ndots:5\n",
    });
    await balancer.has(ip);
    assertEquals(await request(balancer.program.port, "?"), ip);
    // The first domain has it: no other name was asked for.
    assertEquals(new Set(dns.asked.map(({ name }) => name)), new Set([SERVICE, podName(ip)]));
    assertEquals(await balancer.program.terminate(), 0);
  },
});
